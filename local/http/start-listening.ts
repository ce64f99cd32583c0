import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens on the loopback interface. */
export interface Listening {
  /** Without a slash at its end. */
  readonly url: string;
  /** Takes no more calls, and gives those under way half a second. */
  close(): Promise<void>;
}

const graceMillis = 500;

/** Rejects with a sentence that says what to do when somebody else has the port; 0 takes a free one. */
export async function startListening(port: number, listener: RequestListener): Promise<Listening> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new Error(`Port ${port} cannot be had (${error.code}): name another, or 0 for a free one.`)
          : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), graceMillis).unref();
      }),
  };
}
