type Child = Node | string;

/** Makes an element. Text stays text and never becomes markup. */
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

/** A button with its text and its action. */
export function button(text: string, onPress: () => void, className = ''): HTMLButtonElement {
  const made = element('button', { type: 'button', ...(className && { class: className }) }, text);
  made.addEventListener('click', onPress);
  return made;
}

/** The element with this id in the page's own markup. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page does not have a ${kind.name} with the id ${id}.`);
  return found;
}

/** Sets a text where it differs. An unchanged text keeps its selection. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
