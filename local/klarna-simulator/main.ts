/**
 * The Klarna simulator as a process of its own:
 *
 *     node --disable-warning=ExperimentalWarning local/klarna-simulator/main.ts --port 0 --data DIR --config FILE
 *
 * Prints one line `{"listening":"http://127.0.0.1:PORT"}` and ends on SIGINT, on SIGTERM, and when standard input ends,
 * which is how it notices that its parent has died.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type ConfigurationInput, configurationSchema } from './configuration.ts';
import { type KlarnaSimulatorOptions, startKlarnaSimulator } from './klarna-simulator.ts';
import { checkedJson } from '../shared/checked-json.ts';

async function readOptions(): Promise<KlarnaSimulatorOptions> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      data: { type: 'string' },
      config: { type: 'string' },
    },
  });
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) {
    throw new Error(`--port is ${values.port}; allowed: 0 to 65535.`);
  }
  return {
    port,
    ...(values.data !== undefined && { dataDirectory: values.data }),
    ...(values.config !== undefined && { configuration: await readConfiguration(values.config) }),
  };
}

async function readConfiguration(file: string): Promise<ConfigurationInput> {
  const read = checkedJson(configurationSchema, await readFile(file, 'utf8'));
  if ('violation' in read) throw new Error(`--config ${file}: ${read.violation}`);
  return read.value;
}

try {
  const simulator = await startKlarnaSimulator(await readOptions());
  console.log(JSON.stringify({ listening: simulator.url }));
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void simulator.close().then(() => process.exit(0));
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdin.once('end', end).once('error', end).resume();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
