import { homedir } from 'node:os';
import { extname, join } from 'node:path';

/** The files that the local system needs besides its own modules. */
interface ProgramFiles {
  /** The command. */
  readonly command: string;
  /** The runtime client of a function's process. */
  readonly bootstrap: string;
  /** The Klarna simulator. */
  readonly klarna: string;
  /** The folder of the local page. */
  readonly page: string;
  /** The script of the page; undefined where it is built from the sources. */
  readonly pageScript: string | undefined;
  /** The folder of the cloud assemblies, by timers; undefined where they are synthesized from the sources. */
  readonly assemblies: string | undefined;
  /** The folder for compiled code, which makes the next start faster. */
  readonly compiled: string;
}

const here = import.meta.dirname;

/** The sources are TypeScript. The package is JavaScript, with all these files beside it. */
export const programFiles: ProgramFiles =
  extname(import.meta.filename) === '.ts'
    ? {
        command: join(here, '..', 'bin', 'local.ts'),
        bootstrap: join(here, 'lambda', 'bootstrap.ts'),
        klarna: join(here, 'klarna-simulator', 'main.ts'),
        page: join(here, 'front-page', 'browser'),
        pageScript: undefined,
        assemblies: undefined,
        compiled: join(here, '..', '.cache', 'compile'),
      }
    : {
        command: join(here, 'command.js'),
        bootstrap: join(here, 'bootstrap.js'),
        klarna: join(here, 'klarna.js'),
        page: join(here, 'page'),
        pageScript: join(here, 'page', 'page.js'),
        assemblies: join(here, 'assemblies'),
        compiled: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lapse-local'),
      };
