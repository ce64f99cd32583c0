import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { selfSignedIdentity } from '../../../bench/stand-ins/certificate.ts';
import { preconnect } from '../../../functions/cold-start/preconnect.ts';

const { key, certificate } = await selfSignedIdentity();
const server = https.createServer({ key, cert: certificate }, (request, response) => {
  requests.push(request.url ?? '');
  response.end('{}');
});
server.listen(0, 'localhost');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
let requests: string[] = [];
let sockets: Socket[] = [];
server.on('connection', (socket: Socket) => sockets.push(socket));

let agent: https.Agent;
beforeEach(() => {
  sockets = [];
  requests = [];
  agent = new https.Agent({ keepAlive: true, ca: certificate });
});
afterEach(() => agent.destroy());
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const get = (path: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const request = https.get({ host: 'localhost', port, path, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
  });

it('preconnect opens the connection of the next request and sends nothing over it', async () => {
  await preconnect(agent, 'localhost', port);
  expect([sockets.length, requests]).toEqual([1, []]);
  expect(await get('/first')).toBe(200);
  expect(await get('/second')).toBe(200);
  expect([sockets.length, requests]).toEqual([1, ['/first', '/second']]);
});

it('only one request uses a preconnected connection', async () => {
  await preconnect(agent, 'localhost', port);
  expect(await Promise.all([get('/a'), get('/b')])).toEqual([200, 200]);
  expect(sockets).toHaveLength(2);
});

it('a request to another host does not use a preconnected connection', async () => {
  await preconnect(agent, 'localhost', port);
  const other = https.get({ host: '127.0.0.1', port, agent, rejectUnauthorized: false, path: '/other' });
  const [response] = (await once(other, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  expect([response.statusCode, sockets.length]).toEqual([200, 2]);
});

it('a request does not use a preconnected connection that was closed', async () => {
  await preconnect(agent, 'localhost', port);
  for (const socket of sockets) socket.destroy();
  // The first requests can still meet the closed connection, because its end takes time to arrive.
  while ((await get('/after').catch(() => undefined)) !== 200);
  expect(sockets).toHaveLength(2);
});

it('preconnect rejects when the port is closed, and so does the request', async () => {
  await expect(preconnect(agent, '127.0.0.1', 9)).rejects.toThrow('ECONNREFUSED');
  expect(await get('/anyhow')).toBe(200);
});

it('preconnect rejects when the certificate is not trusted', async () => {
  const untrusting = new https.Agent({ keepAlive: true });
  await expect(preconnect(untrusting, 'localhost', port)).rejects.toThrow('self-signed');
  untrusting.destroy();
});
