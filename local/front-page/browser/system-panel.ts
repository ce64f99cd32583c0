import { ask } from './ask.ts';
import { byId, element, setText } from './element.ts';
import { JsonDetails } from './json-details.ts';
import { KeyedList } from './keyed-list.ts';
import { timeText } from './time-text.ts';

type Document = Readonly<Record<string, unknown>>;

interface Row {
  readonly key: string;
  readonly text: string;
  readonly document: Document;
}

/** What one list of the panel shows. */
interface Listing {
  readonly title: string;
  readonly path: (account: string) => string;
  /** The documents in a response. */
  readonly of: (body: unknown) => readonly Document[];
  /** The fields whose values name a document: the last one is a time. */
  readonly fields: readonly string[];
}

const all = (body: unknown): readonly Document[] => body as readonly Document[];

const attention: Listing = {
  title: 'Attention',
  path: (account) => `/control/attention?account=${encodeURIComponent(account)}`,
  of: all,
  fields: ['attention', 'payment_request_id', 'updated_at'],
};

const ofLocalSystem: readonly Listing[] = [
  {
    title: 'Schedules',
    path: () => '/control/schedules',
    of: (body) => all(body).toSorted((a, b) => (String(a['fires_at']) < String(b['fires_at']) ? -1 : 1)),
    fields: ['name', 'fires_at'],
  },
  {
    title: 'Dead letters',
    path: () => '/control/dead-letters',
    of: all,
    fields: ['queue', 'message_id', 'sent_at'],
  },
];

const ofEverySystem: readonly Listing[] = [
  {
    title: 'Quarantine',
    path: () => '/control/quarantine',
    of: all,
    fields: ['reason', 'delivery_id', 'received_at'],
  },
  {
    title: 'Cancel jobs',
    path: (account) => `/api/accounts/${encodeURIComponent(account)}/cancel-jobs`,
    of: (body) => (body as { readonly cancel_jobs: readonly Document[] }).cancel_jobs,
    fields: ['status', 'job_id', 'created_at'],
  },
];

/** How many documents of a kind are shown. */
const shownAtMost = 50;

/** The schedules that are set and the dead letters, or what needs a person; the quarantine and the cancel jobs. */
export class SystemPanel {
  readonly #lists: readonly { readonly listing: Listing; readonly list: DocumentList }[];

  constructor(isDeployed: boolean) {
    const listings = [...(isDeployed ? [attention] : ofLocalSystem), ...ofEverySystem];
    this.#lists = listings.map((listing) => ({ listing, list: new DocumentList(listing.title) }));
    byId('system-panel', HTMLElement).append(...this.#lists.map(({ list }) => list.root));
  }

  /** Reads the four lists while the panel is open. */
  async refresh(account: string): Promise<void> {
    if (!byId('system', HTMLDetailsElement).open) return;
    await Promise.all(
      this.#lists.map(async ({ listing, list }) => {
        const { body, problem } = await ask('GET', listing.path(account));
        if (problem === undefined) list.show(listing.of(body).map((document) => rowOf(document, listing)));
      }),
    );
  }
}

class DocumentList {
  readonly root: HTMLElement;
  readonly #title: string;
  readonly #heading = element('h3');
  readonly #rows: KeyedList<Row>;

  constructor(title: string) {
    this.#title = title;
    const rows = element('ul', { class: 'plain', 'aria-label': title });
    this.#rows = new KeyedList(
      rows,
      ({ key }) => key,
      () => {
        const text = element('span');
        const json = new JsonDetails('JSON');
        return {
          root: element('li', { class: 'stored' }, text, json.root),
          update: (row) => {
            setText(text, row.text);
            json.update(row.document);
          },
        };
      },
    );
    this.root = element('section', {}, this.#heading, rows);
  }

  show(rows: readonly Row[]): void {
    setText(this.#heading, `${this.#title}: ${rows.length}`);
    this.#rows.show(rows.slice(0, shownAtMost));
  }
}

function rowOf(document: Document, { fields }: Listing): Row {
  const values = fields.map((field) => String(document[field]));
  const time = values.pop() ?? '';
  return { key: values.slice(-1).join(), text: `${timeText(time)} ${values.join(' ')}`, document };
}
