import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { checkPorts } from '../../../local/http/check-ports.ts';
import { type LocalOptions, parseOptions } from '../../../local/options.ts';

async function withPortInUse(use: (port: string) => Promise<void>): Promise<void> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  try {
    await use(String(typeof address === 'object' ? address?.port : ''));
  } finally {
    server.close();
  }
}

const optionsOf = (...flags: readonly string[]): LocalOptions => {
  const free = ['--port', '0', '--webhook-port', '0', '--klarna-port', '0'];
  const options = parseOptions([...free, ...flags]);
  if (options === 'help') throw new Error('no options');
  return options;
};

it('checkPorts names the flag of each port that another process keeps', async () => {
  await withPortInUse(async (port) => {
    const flags = ['--klarna-port', port, '--page-port', port];
    await expect(checkPorts(optionsOf(...flags))).rejects.toThrow(
      `--klarna-port: Port ${port} is in use: name another one, or 0 for a free one.\n--page-port: Port ${port} is in use`,
    );
  });
});

it('checkPorts leaves out the simulator where another Klarna takes its place, and frees what it tried', async () => {
  await withPortInUse(async (port) => {
    await checkPorts(optionsOf('--klarna-port', port, '--klarna-url', 'https://klarna.example'));
  });
  await withPortInUse(async (port) => {
    const free = String(Number(port) + 1);
    await checkPorts(optionsOf('--webhook-port', free));
    await checkPorts(optionsOf('--webhook-port', free));
  });
});
