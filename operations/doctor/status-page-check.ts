import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';
import { type Check, notHere, ok, problemsOf } from './check.ts';

/** Klarna's status page, where it matters. */
export interface StatusPageWorld {
  /** Whether the system calls Klarna's own hosts. */
  readonly callsKlarna: boolean;
  /** Reads a page; `undefined` where it does not respond. */
  readonly read: (url: string) => Promise<string | undefined>;
}

/** Klarna's status page in the form of Statuspage (https://status.klarna.com/api). */
const page = 'https://status.klarna.com/api/v2/incidents/unresolved.json';

const incidentsSchema = v.object({
  incidents: v.array(v.object({ name: v.string(), impact: v.optional(v.string(), 'unknown') })),
});

/** What Klarna itself reports. A page that does not respond does not count as a problem. */
export const statusPageChecks: readonly Check<StatusPageWorld>[] = [
  {
    name: 'incidents',
    needs: 'the internet',
    check: async ({ callsKlarna, read }) => {
      if (!callsKlarna) return notHere("This system does not call Klarna's own hosts.");
      const text = await read(page);
      if (text === undefined) return ok("Klarna's status page does not respond");
      const parsed = v.safeParse(incidentsSchema, readJson(text));
      if (!parsed.success) return ok("Klarna's status page cannot be read");
      return problemsOf(
        parsed.output.incidents.map(({ name, impact }) => ({
          problem: `Klarna reports an incident: ${shown(name)} (impact: ${shown(impact)}).`,
          fix: 'Wait, and follow https://status.klarna.com. No timer is lost: the sweep continues.',
        })),
        'none',
      );
    },
  },
];

/** Text of another party, short and without characters that a terminal acts on. */
const shown = (text: string): string => text.replaceAll(/[^\P{C}]/gu, ' ').slice(0, 120);
