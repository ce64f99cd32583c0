import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { listen } from '../shared/listen.ts';
import { faultTargets } from './faults/fault.ts';
import type { ServiceName } from './wire/service.ts';

/** An address for each service, so that one can refuse connections while the others accept them. */
export interface ServiceEndpoints {
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Closes the endpoints of these services and opens all others. */
  shut(services: ReadonlySet<ServiceName>): void;
  close(): Promise<void>;
}

/** Opens an endpoint for each service. One listener serves all of them. */
export async function openServiceEndpoints(
  listener: RequestListener,
  onLog: (line: string) => void,
): Promise<ServiceEndpoints> {
  const serviceEndpoints = new Map<ServiceName, { readonly server: Server; readonly url: string }>();
  for (const service of faultTargets) {
    const server = createServer({ keepAliveTimeout: 0 }, listener);
    serviceEndpoints.set(service, { server, url: await listen(server, 0) });
    server.on('error', (error) => onLog(`${service} cannot listen again: ${error.message}`));
  }
  return {
    urls: Object.fromEntries(
      [...serviceEndpoints].map(([service, { url }]) => [service, url]),
    ) as ServiceEndpoints['urls'],
    shut(services) {
      for (const [service, { server, url }] of serviceEndpoints) {
        if (services.has(service) === !server.listening) continue;
        if (server.listening) {
          server.close();
          server.closeAllConnections();
        } else server.listen(Number(new URL(url).port), '127.0.0.1');
      }
    },
    async close() {
      for (const { server } of serviceEndpoints.values()) {
        if (!server.listening) continue;
        const closed = once(server.close(), 'close');
        server.closeAllConnections();
        await closed;
      }
    },
  };
}
