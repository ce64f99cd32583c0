import { type Action, run } from './call.ts';
import { CodePanel } from './code-panel.ts';
import { byId } from './element.ts';
import { announce, showProblem } from './notices.ts';
import { routeTo } from './route.ts';
import { createAtKlarna, newPaymentRequestId, registration } from './session-calls.ts';
import type { Account, Status } from './status.ts';

let counter = 0;

/** What makes the next session different from others. */
function nextNames() {
  counter += 1;
  const stamp = `${Date.now().toString(36).slice(-5)}-${counter}`;
  return { id: newPaymentRequestId(), reference: `order-${stamp}`, session_id: `cart-${stamp}` };
}

/** Sets up the form. */
export function serveForm(
  { simulator, addresses }: Status,
  accountNow: () => Account,
  onDone: () => void,
): void {
  const form = byId('new-session', HTMLFormElement);
  const code = new CodePanel(addresses);
  byId('given-id', HTMLElement).hidden = simulator;
  byId('new-session-code', HTMLElement).append(code.root);

  function sessionWith(names: ReturnType<typeof nextNames>) {
    const data = new FormData(form);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const account = accountNow();
    const id = simulator ? names.id : text('payment_request_id');
    const session = {
      session_timeout: text('timeout'),
      on_timeout: text('on_timeout'),
      reference: text('reference') || names.reference,
      session_id: names.session_id,
    };
    const action: Action = {
      text: 'Start the session',
      calls: [...(simulator ? [createAtKlarna(account, id)] : []), registration(account, id, session)],
    };
    return { action, session, key: { account: account.name, payment_request_id: id } };
  }

  async function start(): Promise<void> {
    // Its own names: those in the code may be in use by now.
    const { action, session, key } = sessionWith(nextNames());
    const { problem } = await run(action.calls);
    showProblem(problem);
    if (problem !== undefined) return;
    announce(`Session ${session.reference} has started.`);
    location.hash = routeTo(key);
  }

  const inCode = nextNames();
  const showCode = () => code.show([sessionWith(inCode).action]);
  for (const place of [form, byId('account', HTMLSelectElement)]) place.addEventListener('input', showCode);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void start().then(onDone);
  });
  showCode();
}
