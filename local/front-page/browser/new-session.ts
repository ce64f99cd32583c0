import { ask } from './ask.ts';
import { byId } from './element.ts';
import { announce, showProblem } from './notices.ts';
import { type PaymentRequestRecord, recordPath } from './record.ts';
import { routeTo } from './route.ts';

/** An account as the page knows it. */
export interface Account {
  readonly name: string;
  readonly partner_account_id?: string;
}

/** The fields of a new session. */
export interface NewSession {
  readonly session_timeout: string;
  readonly on_timeout: string;
  readonly reference: string;
  readonly session_id: string;
}

let counter = 0;

/** Creates a Payment Request at the simulator, as the shop's checkout would, and returns its id. */
async function createAtKlarna({ partner_account_id }: Account): Promise<string | undefined> {
  const { body, problem } = await ask('POST', '/klarna/payment-requests', {
    announce: true,
    ...(partner_account_id !== undefined && { partner_account_id }),
  });
  showProblem(problem);
  const { payment_request_id: id } = body as { readonly payment_request_id?: string };
  return id;
}

/** Registers a session with the API and opens it. Creates its Payment Request unless one is named. */
export async function startSession(account: Account, fields: NewSession, givenId?: string): Promise<void> {
  const id = givenId ?? (await createAtKlarna(account));
  if (id === undefined) return;
  const key = { account: account.name, payment_request_id: id };
  const { problem } = await ask('PUT', recordPath(key), fields);
  showProblem(problem);
  if (problem !== undefined) return;
  announce(`Session ${fields.reference} has started.`);
  location.hash = routeTo(key);
}

/** Starts another payment attempt in the session of a record. */
export async function startAnotherAttempt(account: Account, record: PaymentRequestRecord): Promise<void> {
  if (record.session_id === null) {
    showProblem('This Payment Request was registered without a session.');
    return;
  }
  await startSession(account, {
    session_timeout: 'PT2M',
    on_timeout: record.on_timeout ?? 'cancel',
    reference: record.reference ?? record.session_id,
    session_id: record.session_id,
  });
}

/** Sets up the form. */
export function serveForm(simulator: boolean, accountNow: () => Account, onDone: () => void): void {
  const form = byId('new-session', HTMLFormElement);
  byId('given-id', HTMLElement).hidden = simulator;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    counter += 1;
    const stamp = Date.now().toString(36).slice(-5);
    const reference = text('reference') || `order-${stamp}-${counter}`;
    const session = {
      session_timeout: text('timeout'),
      on_timeout: text('on_timeout'),
      reference,
      session_id: `cart-${stamp}-${counter}`,
    };
    void startSession(accountNow(), session, simulator ? undefined : text('payment_request_id')).then(onDone);
  });
}
