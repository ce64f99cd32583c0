import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes unchanged and returns everything that comes back. No HTTP client would send them. */
export async function sendRaw(url: string, lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(`${[...lines, 'Host: local', 'Connection: close', '', ''].join('\r\n')}${body}`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
