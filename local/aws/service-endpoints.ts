import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { listen } from '../shared/listen.ts';
import { faultTargets } from './faults/fault.ts';
import type { ServiceName } from './wire/service.ts';

/** An address for each service, so that one of them can be away, its connections refused, while the others are there. */
export interface ServiceEndpoints {
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Shuts the doors of these services, and opens those of all others. */
  shut(services: ReadonlySet<ServiceName>): void;
  close(): Promise<void>;
}

/** Opens the doors of all services; whoever comes in by any of them is served by the same listener. */
export async function openServiceEndpoints(
  listener: RequestListener,
  onLog: (line: string) => void,
): Promise<ServiceEndpoints> {
  const serviceEndpoints = new Map<ServiceName, { readonly server: Server; readonly url: string }>();
  for (const service of faultTargets) {
    const server = createServer({ keepAliveTimeout: 0 }, listener);
    serviceEndpoints.set(service, { server, url: await listen(server, 0) });
    server.on('error', (error) => onLog(`${service} does not come back: ${error.message}`));
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
