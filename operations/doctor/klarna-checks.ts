/** What is checked at Klarna, for each API key that the secrets have. */
import { X509Certificate } from 'node:crypto';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import { environmentOfApiKey, environmentOfKrn } from '../klarna/klarna-environment.ts';
import type { AccessReport, KlarnaAccount, Webhook } from '../klarna/klarna-account.ts';
import {
  type Check,
  type Finding,
  notChecked,
  notHere,
  ok,
  type Problem,
  problem,
  problemsOf,
} from './check.ts';

/** One API key, and all that it is compared with. */
export interface KlarnaWorld {
  readonly subject: KlarnaSubject;
  readonly klarna: Pick<
    KlarnaAccount,
    'webhooks' | 'signingKeys' | 'apiKeys' | 'certificates' | 'enforcedFrom' | 'allowedAddresses' | 'simulate'
  >;
  /** Klarna's response to the cheapest call, whatever its status. It is made once. */
  readonly probe: () => Promise<AccessReport>;
  readonly webhookUrl: string;
  /** The well-formed keys of the secret `signing-keys`, and whether that is all of them. */
  readonly signingKeys: readonly SigningKey[];
  readonly areKeysReadable: boolean;
  /** The time of the system that is checked, in milliseconds since 1970. */
  readonly now: () => number;
  /** When the last webhook with a signing key arrived, in milliseconds since 1970. */
  readonly lastArrival: (signingKeyId: string) => Promise<number | undefined>;
  readonly wait: (millis: number) => Promise<void>;
  /** Whether nothing may be sent. */
  readonly isDryRun: boolean;
}

/** An API key of the secrets. */
export interface KlarnaSubject {
  /** As the operator knows it: `the credential acme`, `the account demo`. */
  readonly name: string;
  /** The command that corrects what `lapse connect` sets up. */
  readonly repair: string;
  readonly secretName: string;
  readonly klarna: Omit<KlarnaCredentials, 'partnerAccountId'>;
  /** The ids at Klarna that go with the key: of the acquirer, or of partners. */
  readonly accountIds: readonly string[];
  /** Whether a signing key is bound to this API key. */
  readonly owns: (key: SigningKey) => boolean;
}

const stateChanges = 'payment.request.state-change.';
const transactions = 'payment.transaction.state-change.';

/** What a subscription has to include: a type of each. */
const wantedTypes = [
  `${stateChanges}submitted`,
  `${stateChanges}in-progress`,
  `${stateChanges}completed`,
  `${stateChanges}canceled`,
  `${stateChanges}expired`,
  `${stateChanges}declined`,
  `${transactions}authorized`,
] as const;

const testType = `${transactions}authorized`;

const minute = 60_000;
const day = 86_400_000;

/** Milliseconds by which a clock may be off. A signed webhook has no time, so only what people read depends on it. */
const mostSkew = minute;
/** Klarna disables a key after two months without use. The warning comes while there is time. */
const mostIdle = 45 * day;
/** The warning before a certificate expires. */
const certificateNotice = 30 * day;
/** Milliseconds for which a test delivery is awaited, and between two reads. */
const arrivalLimit = 20_000;
const arrivalPause = 500;

const needs = 'an API key of the account with the permission to manage webhooks and keys';

/** What is checked with each API key. */
export const klarnaChecks: readonly Check<KlarnaWorld>[] = [
  { name: 'API key', needs, check: checkApiKey },
  { name: 'environment', needs, check: checkEnvironment },
  { name: 'webhook', needs, check: checkWebhook },
  { name: 'webhook types', needs, check: onOwnWebhook(checkTypes) },
  { name: 'webhook version', needs, check: onOwnWebhook(checkVersion) },
  { name: 'webhook key', needs, check: onOwnWebhook(checkWebhookKey) },
  { name: 'signing keys', needs, check: checkSigningKeys },
  { name: 'test delivery', needs, check: onOwnWebhook(checkDelivery) },
  { name: 'age of keys', needs, check: checkIdleKeys },
  { name: 'client certificate', needs, check: checkCertificate },
  { name: 'allowed addresses', needs, check: checkAddresses },
  { name: 'clock', needs, check: checkClock },
];

async function checkApiKey({ subject, probe }: KlarnaWorld): Promise<Finding> {
  const { status } = await probe();
  if (status === 200) return ok();
  if (status === 401) {
    return problem(
      `Klarna refuses the API key of ${subject.name} (401): it was deleted, was not used for two months, or is of the other environment.`,
      `Put a valid key into the secret ${subject.secretName}: ${subject.repair}`,
    );
  }
  if (status === 403) {
    return problem(
      `Klarna forbids the API key of ${subject.name} to read webhooks (403).`,
      `Give the key this permission in Klarna's portal, add the address to the allowed ones, or send the client certificate.`,
    );
  }
  return notChecked(`Klarna responds ${status} to a read of the webhooks. Try again later.`);
}

function checkEnvironment({ subject }: KlarnaWorld): Finding {
  const { environment, apiKey } = subject.klarna;
  const ofKey = environmentOfApiKey(apiKey);
  const problems: Problem[] = [];
  if (ofKey !== undefined && ofKey !== environment) {
    problems.push({
      problem: `The API key of ${subject.name} is a ${ofKey} key, and its environment is ${environment}: it is sent to the wrong host.`,
      fix: `Set \`environment\` to ${ofKey} in the secret ${subject.secretName}, or put a ${environment} key there.`,
    });
  }
  for (const id of subject.accountIds) {
    const ofAccount = environmentOfKrn(id);
    if (ofAccount !== undefined && ofAccount !== environment) {
      problems.push({
        problem: `${id} is an account of the environment ${ofAccount}, and ${subject.name} has the environment ${environment}.`,
        fix: `Correct the account id, or \`environment\`, in the secret ${subject.secretName}.`,
      });
    }
  }
  return problemsOf(problems);
}

/** Addresses are compared without a slash at the end. */
const plain = (url: string): string => url.replace(/\/+$/, '');

const isOurs = ({ webhookUrl }: KlarnaWorld, { url }: Webhook): boolean => plain(url) === plain(webhookUrl);

/** Host and path: a query could have a secret. */
const placeOf = ({ url }: Webhook): string => {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.host}${parsed.pathname}` : 'an address that is not a URL';
};

const isAboutRequests = ({ event_types: types }: Webhook): boolean =>
  wantedTypes.some((type) => type.startsWith(stateChanges) && includes(types, type));

async function checkWebhook(world: KlarnaWorld): Promise<Finding> {
  const { klarna, subject, webhookUrl } = world;
  const webhooks = await klarna.webhooks();
  const ours = webhooks.filter((webhook) => isOurs(world, webhook));
  if (ours.length === 0) {
    const others = webhooks.filter(isAboutRequests).map(placeOf);
    const elsewhere = others.length === 0 ? '' : ` Klarna sends them to ${others.join(', ')}.`;
    return problem(
      `No webhook of ${subject.name} has the URL ${webhookUrl}.${elsewhere}`,
      `Subscribe this URL: ${subject.repair}`,
    );
  }
  if (ours.some(isEnabled)) return ok();
  return problem(
    `The webhook ${idsOf(ours)} of ${subject.name} is disabled: Klarna sends nothing.`,
    `Enable it: \`lapse webhooks resume\`, or in Klarna's portal. Then see why Klarna or a person disabled it.`,
  );
}

const isEnabled = ({ status }: Webhook): boolean => status === '' || status === 'ENABLED';

const idsOf = (webhooks: readonly Webhook[]): string => webhooks.map(({ webhook_id: id }) => id).join(', ');

/** The check of the webhooks with our URL, where there are some. */
function onOwnWebhook(
  check: (world: KlarnaWorld, ours: readonly [Webhook, ...Webhook[]]) => Promise<Finding> | Finding,
): Check<KlarnaWorld>['check'] {
  return async (world) => {
    const all = (await world.klarna.webhooks()).filter((webhook) => isOurs(world, webhook));
    const enabled = all.filter(isEnabled);
    const [first, ...others] = enabled.length > 0 ? enabled : all;
    return first ? check(world, [first, ...others]) : notHere('There is no webhook with our URL.');
  };
}

/** Whether a type is one of these, or of a family such as `payment.*`. */
const includes = (types: readonly string[], type: string): boolean =>
  types.some((each) => (each.endsWith('.*') ? type.startsWith(each.slice(0, -1)) : each === type));

function checkTypes({ subject }: KlarnaWorld, ours: readonly Webhook[]): Finding {
  const types = ours.flatMap(({ event_types }) => event_types);
  const missing = wantedTypes.filter((type) => !includes(types, type));
  if (missing.length === 0) return ok();
  return problem(
    `The webhook ${idsOf(ours)} is not subscribed to ${missing.join(', ')}.`,
    `Subscribe ${stateChanges}* and ${transactions}*: ${subject.repair}`,
  );
}

function checkVersion({ subject }: KlarnaWorld, ours: readonly Webhook[]): Finding {
  return problemsOf(
    ours
      .filter(({ event_version: version }) => version !== '' && version !== 'v2')
      .map(({ webhook_id: id, event_version: version }) => ({
        problem: `The webhook ${id} sends events of version ${version}; Lapse reads v2.`,
        fix: `Set its event_version to v2: ${subject.repair}`,
      })),
  );
}

function checkWebhookKey(
  { signingKeys, areKeysReadable, subject }: KlarnaWorld,
  ours: readonly Webhook[],
): Finding {
  return problemsOf(
    ours.flatMap(({ webhook_id: webhookId, signing_key_id: keyId }): readonly Problem[] => {
      if (keyId === '') return [];
      const key = signingKeys.find(({ id }) => id === keyId);
      if (!key) {
        if (!areKeysReadable) return [];
        return [
          {
            problem: `The webhook ${webhookId} is signed with ${keyId}, which the secret signing-keys does not have: every delivery is refused.`,
            fix: `Put the key into the secret. Klarna shows a key once, so if you do not have it: ${subject.repair}`,
          },
        ];
      }
      if (!subject.owns(key)) {
        return [
          {
            problem: `The webhook ${webhookId} is signed with ${keyId}, which is bound to other accounts than those of ${subject.name}: its deliveries are quarantined.`,
            fix: `Correct the binding of the key in the secret signing-keys, then run \`lapse quarantine replay --all\`.`,
          },
        ];
      }
      if (key.webhookId === undefined || key.webhookId === webhookId) return [];
      return [
        {
          problem: `The webhook ${webhookId} is signed with ${keyId}, which is bound to the webhook ${key.webhookId}: its deliveries are quarantined.`,
          fix: `Set webhook_id of the key to ${webhookId} in the secret signing-keys, then run \`lapse quarantine replay --all\`.`,
        },
      ];
    }),
  );
}

async function checkSigningKeys(world: KlarnaWorld): Promise<Finding> {
  const { klarna, signingKeys, areKeysReadable, subject } = world;
  const [listed, webhooks] = await Promise.all([klarna.signingKeys(), klarna.webhooks()]);
  const atKlarna = listed.map(({ signing_key_id: id }) => id);
  const used = new Set(webhooks.map(({ signing_key_id: id }) => id));
  const known = new Set(signingKeys.map(({ id }) => id));
  const unknown = atKlarna
    .filter((id) => areKeysReadable && !known.has(id) && !used.has(id))
    .map((id) => ({
      problem: `Klarna has the signing key ${id}, which the secret signing-keys does not have, and no webhook uses it.`,
      fix: 'Delete it at Klarna. If you want to use it, put it into the secret before a webhook is signed with it.',
    }));
  const gone = signingKeys
    .filter((key) => subject.owns(key) && !atKlarna.includes(key.id))
    .map(({ id }) => ({
      problem: `The secret signing-keys has ${id}, and Klarna does not: a person who knows the key can still send webhooks with it.`,
      fix: 'Remove it from the secret signing-keys.',
    }));
  return problemsOf([...unknown, ...gone], `${atKlarna.length} at Klarna`);
}

/** Fires a test delivery, and waits until a webhook with its key has arrived. */
async function checkDelivery(
  { klarna, lastArrival, now, wait, isDryRun, subject }: KlarnaWorld,
  [webhook]: readonly [Webhook, ...Webhook[]],
): Promise<Finding> {
  const { webhook_id: webhookId, signing_key_id: keyId, event_types: types } = webhook;
  if (isDryRun) return notHere('A dry run sends no test delivery.');
  if (!isEnabled(webhook)) return notHere('The webhook is disabled.');
  if (keyId === '') return notChecked('Klarna does not tell the signing key of the webhook.');
  // A delivery about a transaction changes no record.
  if (!includes(types, testType)) return notHere(`The webhook is not subscribed to ${testType}.`);
  const before = await lastArrival(keyId);
  const until = now() + arrivalLimit;
  let firedAt = Number.NEGATIVE_INFINITY;
  while (now() < until) {
    // The function notes an arrival at most once in ten seconds, so one test may go unseen.
    if (now() - firedAt >= arrivalLimit / 2) {
      firedAt = now();
      await klarna.simulate(webhookId, testType);
    }
    await wait(arrivalPause);
    const last = await lastArrival(keyId);
    if (last !== undefined && last !== before) return ok();
  }
  return problem(
    `A test delivery through the webhook ${webhookId} of ${subject.name} did not arrive within ${arrivalLimit / 1_000} seconds.`,
    `Run \`lapse webhooks test\`, and look for webhook.refused in the log of receive-klarna-webhook. A wrong key: ${subject.repair}`,
  );
}

async function checkIdleKeys({ klarna, now }: KlarnaWorld): Promise<Finding> {
  const keys = await klarna.apiKeys();
  return problemsOf(
    keys.flatMap(({ credential_id: id, state, last_used_at: used, created_at: created }) => {
      const since = Date.parse(used ?? created ?? '');
      const days = Math.floor((now() - since) / day);
      if (Number.isNaN(since) || (state !== undefined && state !== 'ACTIVE') || days * day < mostIdle)
        return [];
      return {
        problem: `The API key ${id} was not used for ${days} days. Klarna disables a key after two months.`,
        fix: 'Delete it at Klarna if it is not needed. Else make a call with it, for example by this command.',
      };
    }),
    `${keys.length} keys`,
  );
}

async function checkCertificate({ klarna, probe, subject, now }: KlarnaWorld): Promise<Finding> {
  const { clientCertificate: pem } = subject.klarna;
  const [enforcedFrom, { certificate: status }] = await Promise.all([klarna.enforcedFrom(), probe()]);
  const order = `Run \`lapse certificate new\`, which puts one into the secret ${subject.secretName}.`;
  if (pem === undefined) {
    if (enforcedFrom === undefined) return ok('none, and Klarna does not require one');
    return problem(
      `Klarna requires a client certificate from ${enforcedFrom} on, and ${subject.name} has none.`,
      order,
    );
  }
  const problems: Problem[] = [];
  const left = Date.parse(new X509Certificate(pem).validTo) - now();
  if (left < certificateNotice) {
    problems.push({
      problem:
        left < 0
          ? `The client certificate of ${subject.name} has expired.`
          : `The client certificate of ${subject.name} expires in ${Math.floor(left / day)} days.`,
      fix: order,
    });
  }
  if (status !== undefined && status !== 'VALID') {
    problems.push({
      problem: `Klarna reports the client certificate of ${subject.name} as ${status}.`,
      fix: `Use a certificate that Klarna issued for this account. ${order}`,
    });
  }
  return problemsOf(problems, `valid for ${Math.floor(left / day)} days`);
}

async function checkAddresses({ klarna, probe }: KlarnaWorld): Promise<Finding> {
  const [{ mode, count }, { address }] = await Promise.all([klarna.allowedAddresses(), probe()]);
  if (address !== undefined && address !== 'ALLOWED') {
    return problem(
      `Klarna reports the address of this call as ${address}. Once it enforces the list, it refuses such calls.`,
      "Add the addresses that the functions call from to the allowed ones in Klarna's portal. docs/guides/networking.md says how to give them a fixed one.",
    );
  }
  return ok(
    mode === undefined || mode === 'NOT_ENABLED' ? 'not checked by Klarna' : `${mode}, ${count} entries`,
  );
}

async function checkClock({ probe }: KlarnaWorld): Promise<Finding> {
  const { clockSkew: ahead } = await probe();
  if (ahead === undefined) return notChecked('The response of Klarna has no Date.');
  if (Math.abs(ahead) <= mostSkew) return ok();
  const minutes = Math.round(Math.abs(ahead) / minute);
  return problem(
    `Klarna's clock is ${minutes} minutes ${ahead > 0 ? 'ahead of' : 'behind'} the clock here.`,
    'Set the clock of this machine (NTP). If it is right, ask Klarna: the times of its webhooks are wrong, too.',
  );
}
