/** `lapse-client` as a back end, an edge runtime and a browser have it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Consumer, freshProject } from './consumer.ts';
import { tarballOf } from './tarballs.ts';

const root = join(import.meta.dirname, '..', '..');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const timeout = 120_000;

/** Calls an API that is not there, with a fetch of its own, and prints what came of it. */
const use = `
const lapse = new LapseClient({
  url: 'https://api.example',
  account: 'shop-se',
  authorization: { credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' }, region: 'eu-north-1' },
  fetch: async (request: Request) => {
    seen.push(request.method + ' ' + request.url + ' ' + String(request.headers.get('authorization')).slice(0, 16));
    return new Response(JSON.stringify({ state: 'SUBMITTED' }), { status: 201 });
  },
});
const { outcome } = await lapse.register('krn:payment:eu1:request:1', {
  session_timeout: 'PT20M',
  klarna_expires_at: klarnaExpiry({ timeout: 'PT20M' }).klarna_expires_at,
});
print(seen.join() + ' ' + outcome + ' ' + String(isLapseEvent({})));
`;
const printed =
  'PUT https://api.example/accounts/shop-se/payment-requests/krn%3Apayment%3Aeu1%3Arequest%3A1 AWS4-HMAC-SHA256 registered false';

const untyped = use.replace('(request: Request)', '(request)');
const common = `const { LapseClient, klarnaExpiry, isLapseEvent } = require('lapse-client');
const seen = [], print = console.log;
(async () => {${untyped}})();`;
const module = `import { LapseClient, klarnaExpiry, isLapseEvent } from 'lapse-client';
const seen = [], print = console.log;
${untyped}`;

describe.each([20, 24] as const)('on Node %i', (major) => {
  it(
    'lapse-client brings at most 3 packages and 200 KB, and runs as CommonJS and as ES module',
    { timeout },
    async () => {
      const shop = freshProject({}, major);
      await shop.install(tarballOf('lapse-client'));
      expect(shop.nodeVersion).toMatch(new RegExp(`^v${major}\\.`));
      expect(packagesIn(shop)).toEqual(['aws4fetch', 'lapse-client']);
      expect(shop.installedBytes()).toBeLessThan(200_000);
      shop.write('common.cjs', common);
      shop.write('module.mjs', module);
      expect((await shop.run('node', 'common.cjs')).trim()).toBe(printed);
      expect((await shop.run('node', 'module.mjs')).trim()).toBe(printed);
    },
  );
});

describe('with a compiler or a bundler', () => {
  let shop: Consumer;
  beforeAll(async () => {
    shop = freshProject({});
    await shop.install(tarballOf('lapse-client'));
  }, timeout);

  const nest = `import { isLapseEvent, klarnaExpiry, LapseClient, LapseProblem, type CancelResult, type LapseEvent } from 'lapse-client';
const seen: string[] = [];
const print = (text: string): void => console.log(text);
function Injectable(): ClassDecorator { return () => undefined; }
@Injectable()
export class CheckoutService {
  constructor(private readonly lapse: LapseClient) {}
  async end(id: string): Promise<CancelResult['outcome'] | 'refused'> {
    try {
      return (await this.lapse.cancel(id, { reason: 'basket emptied' })).outcome;
    } catch (error) {
      if (error instanceof LapseProblem) return 'refused';
      throw error;
    }
  }
  stateOf(event: LapseEvent): string | null {
    return isLapseEvent(event, 'Payment Request State Changed') ? event.detail.state : null;
  }
}
async function main(): Promise<void> {${use}}
void main();
`;

  it.each([
    ['commonjs', 'node10', ['--ignoreDeprecations', '6.0']],
    ['node16', 'node16', []],
  ] as const)(
    'a NestJS style back end compiles with %s and %s without skipLibCheck, and runs',
    { timeout },
    async (module, moduleResolution, others) => {
      shop.write('src/main.ts', nest);
      await shop.run(
        'node',
        tsc,
        ...['--module', module, '--moduleResolution', moduleResolution, ...others],
        ...['--target', 'es2023', '--lib', 'es2023,dom', '--strict', '--outDir', 'out', '--rootDir', 'src'],
        ...['--experimentalDecorators', '--emitDecoratorMetadata', 'src/main.ts'],
      );
      expect(readFileSync(join(shop.folder, 'out', 'main.js'), 'utf8')).toContain('require("lapse-client")');
      expect((await shop.run('node', 'out/main.js')).trim()).toBe(printed);
    },
  );

  it('a bundle for the browser needs nothing of Node', { timeout }, async () => {
    shop.write(
      'browser.ts',
      `import { LapseClient, klarnaExpiry, isLapseEvent } from 'lapse-client';
      declare const seen: string[]; declare const print: (text: string) => void;
      async function main() {${use}}
      export const done = main();`,
    );
    const { outputFiles } = await build({
      absWorkingDir: shop.folder,
      entryPoints: ['browser.ts'],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'page',
      minify: true,
      write: false,
    });
    const [bundle] = outputFiles;
    const lines: string[] = [];
    const {
      URL,
      Request,
      Response,
      Headers,
      AbortSignal,
      TextEncoder,
      crypto,
      setTimeout,
      clearTimeout,
      fetch,
    } = globalThis;
    const page = createContext({
      ...{
        URL,
        Request,
        Response,
        Headers,
        AbortSignal,
        TextEncoder,
        crypto,
        setTimeout,
        clearTimeout,
        fetch,
      },
      seen: [],
      print: (text: string) => lines.push(text),
    });
    await runInContext(`${bundle?.text ?? ''}\npage.done`, page);
    expect(lines).toEqual([printed]);
    expect(bundle?.contents.length).toBeLessThan(30_000);
  });
});

const packagesIn = ({ folder }: Consumer): readonly string[] =>
  readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
