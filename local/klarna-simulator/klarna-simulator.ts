import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as v from 'valibot';
import { AccountSecurity } from './account-security.ts';
import { ApiKeys } from './api-keys.ts';
import { Calls } from './calls.ts';
import { ClientCertificates } from './client-certificates.ts';
import { createClock } from './clock.ts';
import { type ConfigurationInput, configurationSchema } from './configuration.ts';
import { ControlSurface, controlPath } from './control-surface.ts';
import { openDatabase } from '../shared/database.ts';
import { listen } from '../shared/listen.ts';
import { Deliveries } from './deliveries.ts';
import { eventOf } from './delivery-body.ts';
import { stateChangeType } from './event-types.ts';
import { Faults } from './faults.ts';
import { KlarnaApi } from './klarna-api.ts';
import { PaymentRequests } from './payment-requests.ts';
import { sendResponse } from './send-response.ts';
import { defaultSettings, SettingsInForce } from './settings.ts';
import { Subscriptions } from './subscriptions.ts';

export interface KlarnaSimulatorOptions {
  /** Default: 0, a free port. */
  readonly port?: number;
  /** Stores requests, subscriptions, deliveries and calls in this folder. Without it they are in memory. */
  readonly dataDirectory?: string;
  readonly configuration?: ConfigurationInput;
}

export interface KlarnaSimulator {
  /** The base URL of the API, on this machine only. */
  readonly url: string;
  /** Closes connections, keeps deliveries where they are, and closes the data. */
  close(): Promise<void>;
}

/** Starts a Klarna simulator, which continues with the data in `dataDirectory`. */
export async function startKlarnaSimulator(options: KlarnaSimulatorOptions = {}): Promise<KlarnaSimulator> {
  const { apiKeys, signingKeys, webhooks, ...switches } = v.parse(
    configurationSchema,
    options.configuration ?? {},
  );
  const database = openDatabase(options.dataDirectory, 'klarna-simulator.sqlite');
  const settings = new SettingsInForce({ ...defaultSettings, ...switches });
  const clock = createClock(settings);
  const faults = new Faults();
  const calls = new Calls(database, clock);
  const subscriptions = new Subscriptions(database, clock);
  subscriptions.configure({ signingKeys, webhooks });
  const deliveries = new Deliveries({ database, clock, settings, subscriptions, faults });
  const paymentRequests = new PaymentRequests({
    database,
    clock,
    settings,
    announce: (request, kind) => {
      const type = kind === 'updated' ? 'payment.request.updated' : stateChangeType(request.state);
      deliveries.announce(eventOf(request, type, settings.current.occurredAtDigits));
    },
  });
  const certificates = new ClientCertificates(database, clock);
  const parts = { database, clock, settings, faults, calls, subscriptions, deliveries, paymentRequests };
  const api = new KlarnaApi({
    ...parts,
    apiKeys: new ApiKeys({ database, clock, settings }, apiKeys),
    certificates,
    security: new AccountSecurity({ database, clock, settings, certificates }),
  });
  const control = new ControlSurface(parts);

  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const path = pathOf(request);
    const surface = path === controlPath || path.startsWith(`${controlPath}/`) ? control : api;
    void surface.handle(request, response, path).catch((error: unknown) => fail(response, error));
  });
  const closeData = async () => {
    paymentRequests.stop();
    await deliveries.stop();
    database.close();
  };
  let url: string;
  try {
    url = await listen(server, options.port ?? 0);
  } catch (error) {
    await closeData();
    throw error;
  }

  return {
    url,
    async close() {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
      await closeData();
    },
  };
}

/** The path as it was sent, without the query. Percent-encodings and dots stay. */
const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/[?#].*$/s, '');

/** Reports a failure of the simulator itself on standard error, and to the caller as Klarna would. */
function fail(response: ServerResponse, error: unknown): void {
  // The caller disconnected before the end of its own request.
  if (response.destroyed) return;
  console.error(error);
  sendResponse(response, { status: 500, json: { error_code: 'INTERNAL_ERROR' } });
}
