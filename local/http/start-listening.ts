import { createServer, type RequestListener } from 'node:http';
import { listen } from '../shared/listen.ts';

/** A server that listens on the loopback interface. */
export interface Listening {
  /** Without a slash at its end. */
  readonly url: string;
  /** Takes no more calls, and gives those under way half a second. */
  close(): Promise<void>;
}

const graceMillis = 500;

/** Serves on the loopback interface; see {@link listen} for the port and how long it is waited for. */
export async function startListening(
  port: number,
  listener: RequestListener,
  patienceMillis?: number,
): Promise<Listening> {
  // A connection that is closed for being idle may be just about to be used.
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  return {
    url: await listen(server, port, patienceMillis),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), graceMillis).unref();
      }),
  };
}
