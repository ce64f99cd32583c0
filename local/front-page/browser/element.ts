type Child = Node | string;

/** Makes an element. Text becomes text, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that does something, and says so by its text. */
export function button(text: string, onPress: () => void, className = ''): HTMLButtonElement {
  const made = element('button', { type: 'button', ...(className && { class: className }) }, text);
  made.addEventListener('click', onPress);
  return made;
}

/** The element of the page with this id, which is there because the page's own markup has it. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id ${id}.`);
  return found;
}

/** Sets a text where it is another one: what has not changed is left alone, a selection in it too. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
