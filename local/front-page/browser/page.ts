import { ask, noResponse } from './ask.ts';
import { requireConfirmation } from './confirmation.ts';
import { byId, element, setText } from './element.ts';
import { EventList } from './event-list.ts';
import { FaultPanel } from './fault-panel.ts';
import { serveForm } from './new-session.ts';
import { showOutage } from './notices.ts';
import type { PaymentRequestRecord } from './record.ts';
import type { AwaitedReference } from './awaited-reference.ts';
import { ReferenceList } from './reference-list.ts';
import { RequestView } from './request-view.ts';
import { chosenRequest, routeTo } from './route.ts';
import { serverNow, setServerClock } from './server-clock.ts';
import { SessionList } from './session-list.ts';
import type { Account, Status } from './status.ts';
import { SystemPanel } from './system-panel.ts';

const refreshMillis = 1_000;
const tickMillis = 250;

const pulse = byId('pulse', HTMLElement);
const columns = byId('columns', HTMLElement);
const place = byId('request', HTMLElement);
const accountChoice = byId('account', HTMLSelectElement);
const filter = byId('filter', HTMLSelectElement);
const search = byId('search', HTMLInputElement);
const sessions = new SessionList(byId('session-list', HTMLElement));
const references = new ReferenceList(byId('reference-list', HTMLElement));
const events = new EventList();
let system: SystemPanel;

async function askStatus(): Promise<Status | undefined> {
  const askedAt = Date.now();
  const { body, problem } = await ask('GET', '/status');
  if (problem !== undefined) {
    setText(pulse, 'not connected');
    return undefined;
  }
  const status = body as Status;
  setServerClock(status.now, askedAt, Date.now());
  return status;
}

/** Shows the sessions, the chosen one and the events, and refreshes them while the page is visible. */
class Page {
  readonly #status: Status;
  readonly #faults: FaultPanel;
  #view: RequestView | undefined;
  #route: string | undefined;
  #refreshing: Promise<void> | undefined;
  #timer = 0;

  constructor(status: Status) {
    this.#status = status;
    system = new SystemPanel(status.deployed !== undefined);
    this.#faults = new FaultPanel(status, () => void this.#refreshSoon());
  }

  start(): void {
    const { accounts, deployed } = this.#status;
    if (deployed !== undefined) showDeployed(deployed);
    for (const { name } of accounts) accountChoice.append(element('option', { value: name }, name));
    byId('account-choice', HTMLElement).hidden = accounts.length < 2;
    setInterval(() => {
      sessions.tick();
      this.#view?.tick();
    }, tickMillis);
    const refresh = () => void this.#refreshSoon();
    serveForm(this.#status, () => this.#accountNamed(accountChoice.value), refresh);
    accountChoice.addEventListener('change', refresh);
    filter.addEventListener('change', refresh);
    search.addEventListener('input', refresh);
    for (const id of ['faults', 'system']) byId(id, HTMLElement).addEventListener('toggle', refresh);
    addEventListener('hashchange', () => this.#showChosen());
    document.addEventListener('visibilitychange', () => this.#followVisibility());
    this.#showChosen();
    this.#followVisibility();
  }

  #accountNamed(name: string): Account {
    return this.#status.accounts.find((each) => each.name === name) ?? { name };
  }

  #showChosen(): void {
    const chosen = chosenRequest();
    const left = this.#route;
    this.#route = chosen && routeTo(chosen);
    columns.classList.toggle('columns--chosen', chosen !== undefined);
    place.hidden = chosen === undefined;
    this.#view = chosen && this.#viewOf(chosen);
    place.replaceChildren(...(this.#view ? [this.#view.root] : []));
    void this.#refreshSoon().then(() => {
      // On a phone the list is above the session, so the page scrolls to the focus there.
      if (this.#view) this.#view.heading.focus({ preventScroll: innerWidth > 760 });
      else if (left !== undefined) sessions.focus(left);
    });
  }

  #viewOf(chosen: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>): RequestView {
    return new RequestView(chosen, {
      simulator: this.#status.simulator,
      addresses: this.#status.addresses,
      ...(this.#status.deployed !== undefined && { deployed: this.#status.deployed }),
      account: this.#accountNamed(chosen.account),
      onDone: () => void this.#refreshSoon(),
    });
  }

  async #refreshList(): Promise<string | undefined> {
    const query = new URLSearchParams({
      account: accountChoice.value,
      ...(filter.value && { status: filter.value }),
      search: search.value.trim(),
    });
    const [{ body, problem }, waits] = await Promise.all([
      ask('GET', `/control/sessions?${query.toString()}`),
      ask('GET', `/control/references?${query.toString()}`),
    ]);
    if (problem !== undefined) return problem;
    if (waits.problem === undefined) {
      const all = waits.body as readonly AwaitedReference[];
      references.show(accountChoice.value, all.filter(isFiltered));
    }
    const { payment_requests: records, more } = body as {
      readonly payment_requests: readonly PaymentRequestRecord[];
      readonly more: boolean;
    };
    sessions.show(records, chosenRequest()?.payment_request_id);
    setText(byId('session-note', HTMLElement), noteOf(records.length, more));
    return undefined;
  }

  async #refresh(): Promise<void> {
    const status = await askStatus();
    if (!status) {
      showOutage(noResponse);
      return;
    }
    const [listed, viewed] = await Promise.all([
      this.#refreshList(),
      this.#view?.refresh(),
      this.#faults.refresh(),
      system.refresh(accountChoice.value),
    ]);
    showOutage(listed ?? viewed);
    setText(pulse, `${clock.format(serverNow())}, live`);
  }

  /** Refreshes now, or again after a running refresh, which may have asked too early. */
  #refreshSoon(): Promise<void> {
    clearTimeout(this.#timer);
    const next: Promise<void> = (this.#refreshing ?? Promise.resolve())
      .then(() => this.#refresh())
      .finally(() => {
        if (this.#refreshing !== next) return;
        this.#refreshing = undefined;
        if (document.visibilityState !== 'visible') return;
        this.#timer = setTimeout(() => void this.#refreshSoon(), refreshMillis);
      });
    this.#refreshing = next;
    return next;
  }

  #followVisibility(): void {
    if (document.visibilityState === 'visible') {
      events.start();
      void this.#refreshSoon();
    } else {
      events.stop();
      clearTimeout(this.#timer);
    }
  }
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** Takes away what only a local system has: new sessions, faults and the simulator. */
function showDeployed(stack: string): void {
  requireConfirmation();
  document.title = `Lapse: ${stack}`;
  setText(byId('where', HTMLElement), stack);
  for (const id of ['new-session', 'faults']) byId(id, HTMLElement).hidden = true;
  setText(byId('system-title', HTMLElement), 'Attention, quarantine and jobs');
}

/** Whether the choice of sessions shows a reference: one that waits is open, and the others are shown with all. */
const isFiltered = ({ status }: AwaitedReference): boolean =>
  filter.value === '' || (filter.value === 'open' && status === 'waiting');

function noteOf(count: number, more: boolean): string {
  if (more) return 'Shows the newest of these sessions. Search for another one by its whole id or reference.';
  if (count > 0) return '';
  const all = filter.value === '' && search.value.trim() === '';
  return all ? 'No sessions yet. Start one above.' : 'No session matches.';
}

/** Asks until Lapse responds. */
async function start(): Promise<void> {
  const status = await askStatus();
  if (status) {
    new Page(status).start();
    return;
  }
  showOutage(noResponse);
  setTimeout(() => void start(), refreshMillis);
}

void start();
