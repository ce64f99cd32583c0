import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../local/front-page/browser/call.ts';
import { curlOf, typescriptOf } from '../../../local/front-page/browser/code-text.ts';

const addresses = {
  api: 'http://127.0.0.1:4000',
  control: 'http://127.0.0.1:4003',
  klarna: 'http://127.0.0.1:4002/_simulator',
};

const dryRun: Call = {
  method: 'DELETE',
  path: '/api/accounts/demo/payment-requests/krn%3A1?dry_run=true',
  client: { account: 'demo', method: 'cancel', with: ['krn:1', { dry_run: true }] },
};
const skip: Call = { method: 'POST', path: '/control/clock', body: { advanceMs: 5 } };

describe('an action as curl', () => {
  it('a call has the address that the page forwards it to, and its body', () => {
    expect(curlOf([dryRun, skip], addresses)).toBe(
      [
        `curl -X DELETE 'http://127.0.0.1:4000/accounts/demo/payment-requests/krn%3A1?dry_run=true'`,
        `curl -X POST 'http://127.0.0.1:4003/clock' \\`,
        `  -H 'content-type: application/json' \\`,
        `  -d '{"advanceMs":5}'`,
      ].join('\n'),
    );
  });

  it('a shell reads a quote in a body as a part of the body', () => {
    const body = { reference: `it's $HOME; "rm" \`ls\`` };
    const text = curlOf([{ method: 'PUT', path: '/api/x', body }], addresses);
    const words = execFileSync('sh', ['-c', text.replace('curl', `printf '%s\\n'`)], { encoding: 'utf8' });
    expect(words.split('\n')).toContain(JSON.stringify(body));
  });
});

describe('an action as TypeScript', () => {
  it('a call of the API uses the client, and any other call uses fetch', () => {
    expect(typescriptOf([skip, dryRun], addresses)).toBe(
      [
        `import { LapseClient } from 'lapse-client';`,
        '',
        'const lapse = new LapseClient({',
        '  url: "http://127.0.0.1:4000",',
        '  account: "demo",',
        `  authorization: 'none',`,
        '});',
        'await fetch("http://127.0.0.1:4003/clock", {',
        `  method: 'POST',`,
        `  headers: { 'content-type': 'application/json' },`,
        '  body: JSON.stringify({"advanceMs":5}),',
        '});',
        'console.log(await lapse.cancel("krn:1", {"dry_run":true}));',
      ].join('\n'),
    );
  });

  it('an action without a call of the API does not import the client', () => {
    expect(typescriptOf([skip], addresses)).toMatch(/^await fetch/);
  });
});
