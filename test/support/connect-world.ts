import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import type { exchange, HttpResponse } from '../../functions/adapters/klarna/klarna-http.ts';
import { exchange as sendForReal } from '../../functions/adapters/klarna/klarna-http.ts';
import { toSigningKey } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { CredentialName } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import { verify } from '../../functions/webhook/klarna-signature.ts';
import { listen } from '../../local/shared/listen.ts';
import { startKlarnaSimulator } from '../../local/klarna-simulator/klarna-simulator.ts';
import type { ConnectRequest } from '../../operations/connect/connect.ts';
import { connect } from '../../operations/connect/connect.ts';
import type { Connection } from '../../operations/connect/connection.ts';
import type { NewKeyNote } from '../../operations/connect/new-key-notes.ts';
import { KlarnaAccount } from '../../operations/klarna/klarna-account.ts';
import { SecretEditor } from '../../operations/secrets/secret-editor.ts';
import { credentialKind, signingKeysKind } from '../../operations/secrets/secret-kinds.ts';
import { InMemoryArrivals } from './in-memory-arrivals.ts';
import { InMemorySecrets } from './in-memory-secrets.ts';
import { planted } from './planted-secrets.ts';
import { acquirer } from './credentials.ts';
import { CountingIds } from './virtual-clock.ts';

/** The process that ran a command was killed. */
export class Killed extends Error {}

/** Kills a command at one of its calls: before the call has an effect, or after that, when its response is lost. */
export class Killer {
  /** The calls so far. */
  readonly calls: string[] = [];
  /** The call from which on Klarna refuses, with a body that quotes what nothing may show. Counts from 1. */
  refusesFrom = Number.POSITIVE_INFINITY;
  #at = Number.POSITIVE_INFINITY;
  #when: 'before' | 'after' = 'before';

  /** @param call counts from 1. */
  killAt(call: number, when: 'before' | 'after'): void {
    this.#at = this.calls.length + call;
    this.#when = when;
  }

  spare(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  async call<Result>(name: string, perform: () => Promise<Result>): Promise<Result> {
    this.calls.push(name);
    const isLast = this.calls.length === this.#at;
    if (isLast && this.#when === 'before') throw new Killed(name);
    const result = await perform();
    if (isLast) throw new Killed(name);
    return result;
  }
}

/** A refusal whose texts repeat the credentials, in every field that a client could show. */
const quoting = (headers: Readonly<Record<string, string>>): HttpResponse => {
  const text = `${headers['authorization'] ?? ''} ${planted.apiKey} ${planted.text}`;
  const errors = [{ parameter: text, error_message: text, reason: text }];
  const body = { error_id: text, error_code: text, error_message: text, errors, validation_errors: errors };
  return { status: 400, headers: {}, body: JSON.stringify(body) };
};

const credential = 'acquirer' as CredentialName;
const signingKeysName = 'signing-keys';
const credentialName = 'Lapse/credentials/acquirer';

/**
 * The commands that work at Klarna, on the simulator as Klarna and on secrets in memory. A receiver of webhooks takes what is signed with a
 * key of the secret, as the webhook function does. Time passes only by waiting.
 */
export async function openConnectWorld({
  apiKeys = { [planted.apiKey]: {} },
}: { apiKeys?: Record<string, object> } = {}) {
  const killer = new Killer();
  const secrets = new InMemorySecrets(killer);
  secrets.put(signingKeysName, '{}');
  const arrivals = new InMemoryArrivals();
  const refused: string[] = [];
  const receiver = createServer((request, response) => {
    void buffer(request).then((body) => {
      const id = String(request.headers['klarna-signing-key-id']);
      const entries = JSON.parse(secrets.text(signingKeysName) ?? '{}') as Record<string, unknown>;
      const entry = Object.hasOwn(entries, id) ? toSigningKey(id, entries[id]) : undefined;
      const isValid = entry && verify(body, entry.key, String(request.headers['klarna-signature']));
      if (isValid) void arrivals.note(id, instantFromMillis(now()));
      else refused.push(id);
      response.writeHead(isValid ? 200 : 400).end();
    });
  });
  const webhookUrl = `${await listen(receiver, 0)}/klarna/webhook`;
  const simulator = await startKlarnaSimulator({ configuration: { apiKeys } });
  let passed = 0;
  const begun = Date.now();
  const now = () => begun + passed;
  const clock = {
    now,
    wait: async (millis: number) => {
      passed += millis;
      // Deliveries take turns of the event loop, not time.
      for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    },
  };
  const lines: string[] = [];
  const steps: { readonly step: string; readonly result: string }[] = [];
  const names: CredentialName[] = [];
  let note: NewKeyNote | undefined;
  const ids = new CountingIds();
  const send: typeof exchange = async (request) => {
    const response = await killer.call(`${request.method} ${request.url.pathname}`, () =>
      sendForReal(request),
    );
    return killer.calls.length < killer.refusesFrom ? response : quoting(request.headers);
  };
  const connectionWith = (isDryRun = false): Connection => ({
    credential,
    isDryRun,
    webhookUrl,
    keyDescription: 'Lapse Lapse/credentials/acquirer at webhooks.example',
    editor: new SecretEditor({ store: secrets, ids, isDryRun }),
    signingKeysSecret: { name: signingKeysName, kind: signingKeysKind },
    credentialSecret: {
      name: credentialName,
      kind: credentialKind(credential),
      creation: { description: 'a credential', encryptionKey: undefined },
    },
    names: {
      credentialNames: () => Promise.resolve([...names]),
      addCredentialName: (name) =>
        killer.call('add name', () => {
          if (!names.includes(name)) names.push(name);
          return Promise.resolve();
        }),
      removeCredentialName: (name) =>
        killer.call('remove name', () => {
          if (names.includes(name)) names.splice(names.indexOf(name), 1);
          return Promise.resolve();
        }),
    },
    notes: {
      begin: (_, given) =>
        killer.call('begin note', () => {
          note = given;
          return Promise.resolve();
        }),
      pending: () => Promise.resolve(note),
      end: () =>
        killer.call('end note', () => {
          note = undefined;
          return Promise.resolve();
        }),
    },
    arrivals,
    clock,
    klarnaWith: (environment, access) =>
      new KlarnaAccount({
        url: environment === 'live' ? `${simulator.url}/live` : simulator.url,
        access,
        ids,
        clock,
        send,
      }),
    show: (step, result, line) => {
      lines.push(line);
      steps.push({ step, result });
    },
  });
  /** Klarna as an administrator sees it: its calls are not counted, and cannot be killed. */
  const klarna = new KlarnaAccount({
    url: simulator.url,
    access: {
      apiKey: planted.apiKey,
      username: undefined,
      clientCertificate: undefined,
      clientKey: undefined,
    },
    ids,
    clock,
  });
  return {
    killer,
    secrets,
    arrivals,
    refused,
    names,
    clock,
    klarna,
    webhookUrl,
    lines,
    steps,
    connectionWith,
    simulator,
    note: () => note,
    pass: (millis: number) => (passed += millis),
    entries: () =>
      JSON.parse(secrets.text(signingKeysName) ?? '{}') as Record<string, Record<string, unknown>>,
    credential: () => JSON.parse(secrets.text(credentialName) ?? '{}') as Record<string, unknown>,
    /** Runs `lapse connect`, as an operator does who pastes the API key. */
    connect: (request: Partial<ConnectRequest> = {}, isDryRun = false) => {
      lines.splice(0);
      steps.splice(0);
      return connect(connectionWith(isDryRun), {
        environment: 'test',
        acquirerAccountId: acquirer,
        partnerAccountId: undefined,
        username: undefined,
        identity: undefined,
        apiKey: planted.apiKey,
        confirm: () => Promise.resolve(true),
        ...request,
      });
    },
    close: async () => {
      await simulator.close();
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}

export type ConnectWorld = Awaited<ReturnType<typeof openConnectWorld>>;
