import { createServer } from 'node:http';
import type { LocalOptions } from '../options.ts';
import { listen } from '../shared/listen.ts';

/**
 * Rejects with a sentence for each port of the options that another process keeps, before anything is started. Port 0 is always
 * free.
 */
export async function checkPorts(options: LocalOptions): Promise<void> {
  const { port, webhookPort, klarnaPort, klarnaUrl, pagePort = 0 } = options;
  const wanted = {
    '--port': port,
    '--webhook-port': webhookPort,
    // Another Klarna takes the place of the simulator.
    '--klarna-port': klarnaUrl === undefined ? klarnaPort : 0,
    '--page-port': pagePort,
  };
  const sentences = await Promise.all(
    Object.entries(wanted).map(async ([flag, each]) => {
      const violation = each === 0 ? undefined : await violationOf(each);
      return violation === undefined ? [] : [`${flag}: ${violation}`];
    }),
  );
  const taken = sentences.flat();
  if (taken.length > 0) throw new Error(taken.join('\n'));
}

/** Why a server cannot listen at the port; undefined where it can. */
async function violationOf(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    await listen(server, port);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  await new Promise((resolve) => server.close(resolve));
  return undefined;
}
