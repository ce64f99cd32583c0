import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { forgedEvent, type Subject } from './subjects.ts';

const batches = 15;
const callsOfABatch = 400;

/**
 * Microseconds of CPU that a forged webhook costs: the median of batches of calls in a warm process. It is the CPU of the function
 * itself, without the runtime around it, and includes writing its metrics to standard output.
 */
export async function forgedMicros({ sandboxed }: Subject): Promise<number> {
  const { bundle, handler, environment } = sandboxed;
  const [file = '', name = ''] = handler.split('.');
  const program = `
    const { existsSync } = require('node:fs');
    const path = ${JSON.stringify(`${bundle}/${file}`)};
    const events = ${JSON.stringify(Array.from({ length: 20 }, (_, call) => forgedEvent(call)))};
    const context = { awsRequestId: 'a', getRemainingTimeInMillis: () => 28000 };
    (async () => {
      const loaded = existsSync(path + '.js') ? require(path + '.js') : await import(path + '.mjs');
      const handler = loaded[${JSON.stringify(name)}];
      const micros = [];
      for (let batch = 0; batch < ${batches + 5}; batch += 1) {
        const before = process.cpuUsage();
        for (let call = 0; call < ${callsOfABatch}; call += 1) {
          const { statusCode } = await handler(events[call % events.length], context);
          if (statusCode !== 400) throw new Error('responded ' + statusCode);
        }
        const { user, system } = process.cpuUsage(before);
        if (batch >= 5) micros.push((user + system) / ${callsOfABatch});
      }
      micros.sort((a, b) => a - b);
      process.stderr.write(String(micros[${Math.floor(batches / 2)}]));
      process.exit(0);
    })();`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--eval', program], {
    env: { ...environment, PATH: process.env['PATH'] },
    maxBuffer: 64 * 1_048_576,
  });
  const micros = Number(stderr);
  if (!Number.isFinite(micros)) throw new Error(stderr);
  return micros;
}
