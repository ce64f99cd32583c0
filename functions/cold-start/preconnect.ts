import type https from 'node:https';
import { isIP, type Socket } from 'node:net';

/** Milliseconds after which an unused connection may have been closed by the peer. */
const freshMillis = 10_000;

/**
 * Opens the connection for the agent's next request to this host and sends nothing over it. Resolves when the TLS handshake is
 * done. Rejects when the connection fails; the next request then opens its own.
 */
export function preconnect(agent: https.Agent, host: string, port: number): Promise<void> {
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
    // The listener stays: a connection that fails before its request must not end the process.
    socket.on('error', reject);
  });
}
