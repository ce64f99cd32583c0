import { ask } from './ask.ts';
import { byId, element, setText } from './element.ts';
import { EventList } from './event-list.ts';
import { FaultPanel } from './fault-panel.ts';
import { type Account, serveForm, startAnotherAttempt } from './new-session.ts';
import { showOutage } from './notices.ts';
import type { PaymentRequestRecord } from './record.ts';
import { RequestView } from './request-view.ts';
import { chosenRequest, routeTo } from './route.ts';
import { serverNow, setServerClock } from './server-clock.ts';
import { SessionList } from './session-list.ts';

interface Status {
  readonly now: string;
  readonly simulator: boolean;
  readonly accounts: readonly Account[];
}

const refreshMillis = 1_000;
const tickMillis = 250;
const listLimit = 50;
const silence = 'Lapse does not answer. Is npm start still running?';

const pulse = byId('pulse', HTMLElement);
const columns = byId('columns', HTMLElement);
const place = byId('request', HTMLElement);
const accountChoice = byId('account', HTMLSelectElement);
const filter = byId('filter', HTMLSelectElement);
const sessions = new SessionList(byId('session-list', HTMLElement));
const events = new EventList();

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

/** Shows all there is, and keeps it up to date for as long as somebody looks. */
function run({ simulator, accounts }: Status): void {
  let view: RequestView | undefined;
  let route: string | undefined;
  let refreshing: Promise<void> | undefined;
  let timer = 0;

  const accountNamed = (name: string): Account => accounts.find((each) => each.name === name) ?? { name };
  const faults = new FaultPanel(simulator, () => void refreshSoon());
  for (const { name } of accounts) accountChoice.append(element('option', { value: name }, name));
  byId('account-choice', HTMLElement).hidden = accounts.length < 2;

  function showChosen(): void {
    const chosen = chosenRequest();
    const left = route;
    route = chosen && routeTo(chosen);
    columns.classList.toggle('columns--chosen', chosen !== undefined);
    place.hidden = chosen === undefined;
    view = chosen && newView(chosen);
    place.replaceChildren(...(view ? [view.root] : []));
    void refreshSoon().then(() => {
      // On a phone the list is somewhere else on the page, so there the page goes along with the focus.
      if (view) view.heading.focus({ preventScroll: innerWidth > 760 });
      else if (left !== undefined) sessions.focus(left);
    });
  }

  const newView = (chosen: Pick<PaymentRequestRecord, 'account' | 'payment_request_id'>): RequestView =>
    new RequestView(chosen, {
      simulator,
      onDone: () => void refreshSoon(),
      onAnotherAttempt: (record) =>
        void startAnotherAttempt(accountNamed(record.account), record).then(() => refreshSoon()),
    });

  async function refreshList(): Promise<string | undefined> {
    const account = encodeURIComponent(accountChoice.value);
    const path = `/api/accounts/${account}/payment-requests?limit=${listLimit}${filter.value}`;
    const { body, problem } = await ask('GET', path);
    if (problem !== undefined) return problem;
    const { payment_requests: records, next_cursor } = body as {
      readonly payment_requests: readonly PaymentRequestRecord[];
      readonly next_cursor: string | null;
    };
    sessions.show(records, chosenRequest()?.payment_request_id);
    setText(byId('session-note', HTMLElement), noteOf(records.length, next_cursor !== null));
    return undefined;
  }

  async function refresh(): Promise<void> {
    const status = await askStatus();
    if (!status) {
      showOutage(silence);
      return;
    }
    const [listed, viewed] = await Promise.all([refreshList(), view?.refresh(), faults.refresh()]);
    showOutage(listed ?? viewed);
    setText(pulse, `${clock.format(serverNow())}, live`);
  }

  /** Refreshes now, or once more after the refresh that is under way, which may have asked too early. */
  function refreshSoon(): Promise<void> {
    clearTimeout(timer);
    const next: Promise<void> = (refreshing ?? Promise.resolve()).then(refresh).finally(() => {
      if (refreshing !== next) return;
      refreshing = undefined;
      if (document.visibilityState === 'visible') timer = setTimeout(() => void refreshSoon(), refreshMillis);
    });
    refreshing = next;
    return next;
  }

  function lookOrRest(): void {
    if (document.visibilityState === 'visible') {
      events.start();
      void refreshSoon();
    } else {
      events.stop();
      clearTimeout(timer);
    }
  }

  setInterval(() => {
    sessions.tick();
    view?.tick();
  }, tickMillis);
  serveForm(
    simulator,
    () => accountNamed(accountChoice.value),
    () => void refreshSoon(),
  );
  accountChoice.addEventListener('change', () => void refreshSoon());
  filter.addEventListener('change', () => void refreshSoon());
  byId('faults', HTMLDetailsElement).addEventListener('toggle', () => void refreshSoon());
  addEventListener('hashchange', showChosen);
  document.addEventListener('visibilitychange', lookOrRest);
  showChosen();
  lookOrRest();
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

function noteOf(count: number, more: boolean): string {
  if (more) return `The newest ${listLimit} at most; the API has the rest.`;
  return count === 0 ? 'None here. Start one above.' : '';
}

/** Asks until Lapse is there. */
async function start(): Promise<void> {
  const status = await askStatus();
  if (status) {
    run(status);
    return;
  }
  showOutage(silence);
  setTimeout(() => void start(), refreshMillis);
}

void start();
