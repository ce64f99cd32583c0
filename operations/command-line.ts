import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import type { Attention } from '../client/responses.ts';
import type { QuarantineReason } from '../functions/domain/quarantined-delivery.ts';
import {
  askAgain,
  type AttentionFilter,
  attentions,
  explainAttention,
  listAttention,
} from './attention-commands.ts';
import { composeOperations, type Operations } from './compose-operations.ts';
import { explainQuarantine, listQuarantine, replayQuarantine } from './quarantine-commands.ts';
import { listDeadTimers, listUnpublished, redriveTimers, replayUnpublished } from './queue-commands.ts';
import { readOutputs } from './stack-outputs.ts';

export const usage = `lapse <command> (--outputs FILE | --control URL) [options]

In a checkout of Lapse: npm run lapse -- <command> …

  quarantine list [--reason REASON]        list signed webhooks that were quarantined
  quarantine explain NAME                  explain one: its facts, and what a replay would do now
  quarantine replay NAME…                  process them again, by the same write as any webhook
  quarantine replay --all [--reason REASON]
  unpublished list                         list writes whose events were not published
  unpublished replay                       publish those events again, from the records
  timers list                              list timers that failed after all attempts
  timers redrive                           fire those timers again
  attention list --account NAME [--kind KIND]
                                           list requests that need attention
  attention explain ACCOUNT/ID…            explain why, with the ids that Klarna's support can look up
  attention ask ACCOUNT/ID…                read the request from Klarna, and record the result
  attention ask --all --account NAME [--kind KIND]

  --outputs FILE     the file that cdk deploy --outputs-file wrote
  --stack NAME       the stack in that file, where it has several
  --prefix TEXT      what the names of the outputs start with, where the stack has several Lapse
  --control URL      the control address of a local system
  --dry-run          print what would be done
  --version          print the version`;

const reasons = [
  'unknown_type',
  'unknown_state',
  'malformed',
  'other_account',
  'other_recipient',
  'other_webhook',
  'other_environment',
] as const satisfies readonly QuarantineReason[];

interface Command {
  readonly names: readonly string[];
  readonly reason: QuarantineReason | undefined;
  readonly account: string | undefined;
  readonly kind: Attention | undefined;
  readonly all: boolean;
  readonly isDryRun: boolean;
  readonly print: (line: string) => void;
}

/** The options of a command besides the system and --dry-run. */
const choices = ['names', 'all', 'reason', 'account', 'kind'] as const;
type Choice = (typeof choices)[number];

interface Action {
  /**
   * The options that can be combined, one entry for each way to use the command. Any other option would have no effect,
   * so it is refused.
   */
  readonly ways: readonly (readonly Choice[])[];
  /** Returns whether everything succeeded. */
  readonly run: (operations: Operations, command: Command) => Promise<boolean>;
}

const commands: Readonly<Record<string, Action>> = {
  'quarantine list': {
    ways: [['reason']],
    run: async (operations, { reason, print }) => {
      await listQuarantine(operations, reason, print);
      return true;
    },
  },
  'quarantine explain': {
    ways: [['names']],
    run: async (operations, { names, print }) => {
      for (const name of some(names)) await explainQuarantine(operations, name, print);
      return true;
    },
  },
  'quarantine replay': {
    ways: [['names'], ['all', 'reason']],
    run: (operations, { names, all, reason, isDryRun, print }) =>
      replayQuarantine(operations, all ? { all: reason } : some(names), isDryRun, print),
  },
  'unpublished list': {
    ways: [[]],
    run: async (operations, { print }) => {
      await listUnpublished(operations, print);
      return true;
    },
  },
  'unpublished replay': {
    ways: [[]],
    run: (operations, { isDryRun, print }) => replayUnpublished(operations, isDryRun, print),
  },
  'timers list': {
    ways: [[]],
    run: async (operations, { print }) => {
      await listDeadTimers(operations, print);
      return true;
    },
  },
  'timers redrive': {
    ways: [[]],
    run: async (operations, { isDryRun, print }) => {
      await redriveTimers(operations, isDryRun, print);
      return true;
    },
  },
  'attention list': {
    ways: [['account', 'kind']],
    run: async (operations, command) => {
      await listAttention(operations, filterOf(command), command.print);
      return true;
    },
  },
  'attention explain': {
    ways: [['names']],
    run: async (operations, { names, print }) => {
      for (const name of some(names, 'attention')) await explainAttention(operations, name, print);
      return true;
    },
  },
  'attention ask': {
    ways: [['names'], ['all', 'account', 'kind']],
    run: (operations, command) => {
      const { names, all, isDryRun, print } = command;
      return askAgain(operations, all ? filterOf(command) : some(names, 'attention'), isDryRun, print);
    },
  },
};

/**
 * Runs one command of the operator's command line. Returns whether everything succeeded. Throws one sentence that says
 * what was given and what is allowed.
 */
export async function runCommandLine(
  commandLine: readonly string[],
  print: (line: string) => void,
): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      outputs: { type: 'string' },
      stack: { type: 'string' },
      prefix: { type: 'string' },
      control: { type: 'string' },
      reason: { type: 'string' },
      account: { type: 'string' },
      kind: { type: 'string' },
      all: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
    },
  });
  if (values.version) {
    print(manifest.version);
    return true;
  }
  if (values.help || positionals.length === 0) {
    print(usage);
    return true;
  }
  const [subject = '', verb = '', ...names] = positionals;
  const name = `${subject} ${verb}`;
  const action = commands[name];
  if (!action) throw new Error(`The command is ${name}; allowed: ${Object.keys(commands).join(', ')}.`);
  const reason = reasons.find((each) => each === values.reason);
  if (values.reason !== undefined && !reason) {
    throw new Error(`--reason is ${values.reason}; allowed: ${reasons.join(', ')}.`);
  }
  const kind = attentions.find((each) => each === values.kind);
  if (values.kind !== undefined && !kind) {
    throw new Error(`--kind is ${values.kind}; allowed: ${attentions.join(', ')}.`);
  }
  const { outputs: file, control, account, all } = values;
  const given = { names: names.length > 0, all, reason, account, kind };
  checkChoices(
    name,
    choices.filter((choice) => given[choice]),
    action,
  );
  if ((file === undefined) === (control === undefined)) {
    throw new Error('Give exactly one of --outputs and --control: it names the system.');
  }
  const source = control === undefined ? { file: file ?? '' } : { control: control.replace(/\/+$/, '') };
  const operations = composeOperations(await readOutputs(source, values.stack, values.prefix));
  const isDryRun = values['dry-run'];
  return action.run(operations, { names, reason, account, kind, all, isDryRun, print });
}

/** Refuses options that the command would ignore: names together with --all are a mistake. */
function checkChoices(name: string, given: readonly Choice[], { ways }: Action): void {
  if (ways.some((way) => given.every((choice) => way.includes(choice)))) return;
  const allowed = ways.map((way) => wordsOf(way) || 'no options').join(', or ');
  throw new Error(`${name} does not accept ${wordsOf(given)}; allowed: ${allowed}.`);
}

const wordsOf = (given: readonly Choice[]): string =>
  given.map((choice) => (choice === 'names' ? 'names' : `--${choice}`)).join(' with ');

function some(names: readonly string[], subject = 'quarantine'): readonly string[] {
  if (names.length === 0)
    throw new Error(`A name is missing; allowed: names as ${subject} list prints them.`);
  return names;
}

function filterOf({ account, kind: attention }: Command): AttentionFilter {
  if (account === undefined)
    throw new Error('--account is missing; allowed: an account in the secret accounts.');
  return { account, attention };
}
