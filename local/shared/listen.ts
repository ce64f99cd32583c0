import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** How long a port may still belong to a killed process that is about to end. */
const waitLimitMillis = 3_000;

/**
 * Listens on the loopback interface and resolves to the URL, without a slash at its end. Port 0 takes a free one.
 * Rejects with a sentence that says what to do when another process keeps the port for longer than `waitLimit`
 * milliseconds.
 */
export async function listen(server: Server, port: number, waitLimit = waitLimitMillis): Promise<string> {
  const end = Date.now() + waitLimit;
  for (;;) {
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EADDRINUSE' && Date.now() < end) {
        await wait(100);
      } else if (code === 'EADDRINUSE' || code === 'EACCES') {
        const reason = code === 'EADDRINUSE' ? 'in use' : 'not allowed for this user';
        throw new Error(`Port ${port} is ${reason}: name another one, or 0 for a free one.`, {
          cause: error,
        });
      } else {
        throw error;
      }
    }
  }
}
