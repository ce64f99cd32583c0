import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataFolder } from './data-folder.ts';
import { claimDataFolder } from './data-folder.ts';
import type { EngineChoice, Machine } from './engine-choice.ts';
import { chooseEngine, databaseFile, thisMachine } from './engine-choice.ts';
import { connectToEngine, EngineRefusal } from './engine-connection.ts';
import type { OwnedProcess } from './child-process.ts';
import { startOwnedProcess } from './child-process.ts';
import { indexStreamRecords } from './stream-index.ts';

export interface DynamoDbOptions {
  /**
   * The folder for the data; `undefined` keeps them in memory until `close`. An endpoint of your own keeps its data
   * itself.
   */
  readonly dataDirectory: string | undefined;
  /** Receives every line that the engine prints, and a line when it ends early. */
  readonly onLog: (line: string) => void;
  /** What the choice of the engine depends on. Default: this machine with the environment of the process. */
  readonly machine?: Machine;
}

export interface RunningDynamoDb {
  /** The value for `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly url: string;
  /** Ends the engine and releases the data folder. */
  close(): Promise<void>;
}

const bindAttempts = 5;
const readyWithinMilliseconds = 30_000;
const pollMilliseconds = 10;

/**
 * Starts the DynamoDB that {@link chooseEngine} chooses and resolves once it has responded to a call. The engine ends
 * with this process, even by SIGKILL, and the folder then holds everything that it acknowledged. Rejects with one
 * sentence that says what to do.
 */
export async function startDynamoDb(options: DynamoDbOptions): Promise<RunningDynamoDb> {
  const choice = chooseEngine(options.machine ?? thisMachine(process.env));
  if (choice.kind === 'endpoint') {
    await expectResponse(choice.url);
    return { url: choice.url, close: () => Promise.resolve() };
  }
  const folder =
    options.dataDirectory === undefined ? undefined : await claimDataFolder(options.dataDirectory);
  try {
    return await startEngine(choice, folder, options.onLog);
  } catch (error) {
    await folder?.release();
    throw error;
  }
}

async function expectResponse(url: string): Promise<void> {
  const response = await ask(url);
  if (response === 'ready') return;
  throw new Error(
    response === 'silent'
      ? `DynamoDB does not respond at LAPSE_DYNAMODB_URL=${url}: start it, or unset the variable to use the embedded one.`
      : `LAPSE_DYNAMODB_URL=${url} is not a usable DynamoDB: ${response.message}`,
  );
}

async function startEngine(
  choice: Exclude<EngineChoice, { kind: 'endpoint' }>,
  folder: DataFolder | undefined,
  onLog: (line: string) => void,
): Promise<RunningDynamoDb> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const programArguments = choice.argumentsFor(port, folder?.path);
    const said: string[] = [];
    const engine = startOwnedProcess(choice.program, programArguments, (line) => {
      if (said.length < 20) said.push(line);
      onLog(line);
    });
    if (engine.pid !== undefined) await folder?.remember(engine.pid, [choice.program, ...programArguments]);

    // Only the engine's own output proves that it, and not another process, has the port.
    const mayAsk = () => choice.kind !== 'dynoxide' || said.some((line) => line.includes('listening on'));
    const failure = await untilReady(engine, () => (mayAsk() ? ask(url) : Promise.resolve('silent')));
    if (failure === undefined) {
      if (choice.kind === 'dynoxide' && folder !== undefined) speedUpStream(folder, onLog);
      return running(url, engine, folder, onLog);
    }
    await engine.stop();
    const portWasTaken = said.some((line) => /in use|failed to bind/i.test(line));
    if (portWasTaken && attempt < bindAttempts) continue;
    throw new Error(`The DynamoDB engine ${choice.program} did not start: ${[...said, failure].join(' ')}`);
  }
}

/** Why it is not ready, or `undefined` when it is. */
async function untilReady(
  engine: OwnedProcess,
  asked: () => Promise<StartReport>,
): Promise<string | undefined> {
  const deadline = Date.now() + readyWithinMilliseconds;
  while (!engine.hasEnded()) {
    const response = await asked();
    if (response instanceof EngineRefusal) return response.message;
    if (response === 'ready' && !engine.hasEnded()) return undefined;
    if (Date.now() > deadline) return `it did not respond within ${readyWithinMilliseconds / 1_000} seconds`;
    await wait(pollMilliseconds);
  }
  return `it ended with ${await engine.ended}`;
}

/** The engine works without the index, but gets slower with time. */
function speedUpStream(folder: DataFolder, onLog: (line: string) => void): void {
  try {
    indexStreamRecords(databaseFile(folder.path));
  } catch (error) {
    onLog(`the stream has no index: ${String(error)}`);
  }
}

function running(
  url: string,
  engine: OwnedProcess,
  folder: DataFolder | undefined,
  onLog: (line: string) => void,
): RunningDynamoDb {
  let closing: Promise<void> | undefined;
  const end = async () => {
    await engine.stop();
    await folder?.release();
  };
  void engine.ended.then((reason) => {
    if (closing === undefined) onLog(`the DynamoDB engine has ended (${reason}): start Lapse again`);
  });
  return {
    url,
    close: () => (closing ??= end()),
  };
}

type StartReport = 'ready' | 'silent' | EngineRefusal;

async function ask(url: string): Promise<StartReport> {
  const connection = connectToEngine(url);
  try {
    await connection.call('DynamoDB_20120810.ListTables', {});
    return 'ready';
  } catch (error) {
    return error instanceof EngineRefusal ? error : 'silent';
  } finally {
    connection.close();
  }
}

/** Free at this moment. Another process may take it before the engine does; then another port is tried. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string')
    throw new Error('the operating system did not assign a port');
  return address.port;
}
