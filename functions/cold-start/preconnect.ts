import type https from 'node:https';
import { isIP, type Socket } from 'node:net';

/** A connection that nobody has used for so many milliseconds may have been closed at its other end. */
const freshMillis = 10_000;

/**
 * Opens the connection that this agent's next request to the host will be sent over; nothing is sent over it before. Resolves
 * when it stands. Rejects when it cannot be opened, which harms nobody: the request then opens its own.
 */
export function connectAhead(agent: https.Agent, host: string, port: number): Promise<void> {
  const open = agent.createConnection.bind(agent);
  const options = { ...agent.options, host, port, servername: isIP(host) === 0 ? host : '' };
  const socket = open(options) as Socket;
  const openedAt = Date.now();
  agent.createConnection = (wanted, done) => {
    const isFor = wanted.host === host && Number(wanted.port) === port;
    if (isFor) agent.createConnection = open;
    if (isFor && !socket.destroyed && socket.readable && Date.now() - openedAt < freshMillis) return socket;
    if (isFor) socket.destroy();
    return open(wanted, done);
  };
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve());
    // Stays: a connection that fails before its request comes must not end the process.
    socket.on('error', reject);
  });
}
