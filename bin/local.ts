import { startLocalSystem } from '../local/local-system.ts';
import { parseOptions, usage } from '../local/options.ts';

const running = new AsyncDisposableStack();
let ending: Promise<void> | undefined;

/** Ends everything once, however often it is asked to. */
function end(exitCode: number): void {
  ending ??= running
    .disposeAsync()
    .catch((error: unknown) => console.error(sentenceOf(error)))
    .then(() => process.exit(exitCode));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
endWithNpm();

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
  } else {
    const system = await startLocalSystem(options, running, (step) => console.error(`… ${step}`));
    const { api, webhook, klarna, control } = system;
    console.log(`ready ${JSON.stringify({ api, webhook, klarna, control })}`);
  }
} catch (error) {
  if (!ending) {
    console.error(sentenceOf(error));
    end(1);
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** npm that is killed tells nobody; its scripts are orphans then, and would keep the ports. */
function endWithNpm(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end(0);
  }, 500).unref();
}
