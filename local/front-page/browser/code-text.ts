import type { Call, ClientCall } from './call.ts';

/** The addresses behind `/api`, `/klarna` and `/control`, by this first segment; URLs without a slash at their end. */
export type Addresses = Readonly<Record<string, string>>;

/** The calls as lines for a shell. */
export const curlOf = (calls: readonly Call[], addresses: Addresses): string =>
  calls
    .map(({ method, path, body }) =>
      [
        `curl -X ${method} ${quoted(addressOf(path, addresses))}`,
        ...(body === undefined
          ? []
          : [`  -H 'content-type: application/json'`, `  -d ${quoted(JSON.stringify(body))}`]),
      ].join(' \\\n'),
    )
    .join('\n');

/** The calls as a TypeScript module. It uses the client, and `fetch` for what the client does not do. */
export function typescriptOf(calls: readonly Call[], addresses: Addresses): string {
  const { client } = calls.find((call) => call.client) ?? {};
  const lines = calls.map((call) =>
    call.client ? `console.log(await ${clientCallOf(call.client)});` : fetchOf(call, addresses),
  );
  return [...(client ? [clientOf(client, addresses['api'] ?? '')] : []), ...lines].join('\n');
}

const clientOf = ({ account }: ClientCall, url: string): string =>
  [
    `import { LapseClient } from 'lapse-client';\n`,
    'const lapse = new LapseClient({',
    `  url: ${JSON.stringify(url)},`,
    `  account: ${JSON.stringify(account)},`,
    `  authorization: 'none',`,
    '});',
  ].join('\n');

const clientCallOf = ({ method, with: given }: ClientCall): string =>
  `lapse.${method}(${given.map((each) => JSON.stringify(each)).join(', ')})`;

function fetchOf({ method, path, body }: Call, addresses: Addresses): string {
  const options = [
    `method: '${method}'`,
    ...(body === undefined
      ? []
      : [`headers: { 'content-type': 'application/json' }`, `body: JSON.stringify(${JSON.stringify(body)})`]),
  ];
  const url = JSON.stringify(addressOf(path, addresses));
  return `await fetch(${url}, {\n${options.map((option) => `  ${option},\n`).join('')}});`;
}

/** The address that the page forwards a path to. */
function addressOf(path: string, addresses: Addresses): string {
  const [, first = '', rest = ''] = /^\/(\w+)(\/.*)$/.exec(path) ?? [];
  return `${addresses[first] ?? ''}${rest}`;
}

/** A text as one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
