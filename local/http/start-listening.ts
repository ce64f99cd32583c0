import { createServer, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { listen } from '../shared/listen.ts';

/** A server that listens on the loopback interface. */
export interface Listening {
  /** Without a slash at its end. */
  readonly url: string;
  /** Accepts no more calls, and gives running ones half a second. */
  close(): Promise<void>;
}

const graceMillis = 500;

/** Serves on the loopback interface. {@link listen} explains the port and how long to wait for it. */
export async function startListening(
  port: number,
  listener: RequestListener,
  waitLimitMillis?: number,
): Promise<Listening> {
  // An idle connection may be used again at the moment it is closed, so none is closed for idleness.
  const server = createServer({ keepAliveTimeout: 0 }, listener).on('clientError', refuse);
  return {
    url: await listen(server, port, waitLimitMillis),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), graceMillis).unref();
      }),
  };
}

/** Responds as a gateway does to bytes that are not an HTTP request: with a message and nothing else. */
function refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    code === 'HPE_HEADER_OVERFLOW' ? [431, 'Request Header Fields Too Large'] : [400, 'Bad Request'];
  const body = JSON.stringify({ message });
  const head = [
    `HTTP/1.1 ${status} ${message}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
