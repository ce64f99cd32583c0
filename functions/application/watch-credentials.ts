import type { KlarnaCredentials } from '../domain/account-settings.ts';
import type { PaymentRequestId } from '../domain/identifiers.ts';
import { earlierOf, type Instant, millisOf } from '../domain/instant.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import { callLimit } from '../domain/next-call.ts';
import type { Clock, CredentialNotes, KlarnaPaymentRequests } from './ports.ts';

/** What watching the credentials needs. */
export interface CredentialWatchDependencies {
  /** How Klarna is called for every account with an entry, and with every credential. Those of one credential have the same name. */
  readonly inUse: () => Promise<readonly KlarnaCredentials[]>;
  readonly notes: Pick<CredentialNotes, 'lastUse' | 'noteUse' | 'noteCertificate'>;
  readonly klarna: Pick<KlarnaPaymentRequests, 'read'>;
  readonly clock: Clock;
  /** Called once at each stage before the end of a certificate, with the days until then; negative where it has ended. */
  readonly onCertificate: (credential: string, daysLeft: number) => void;
  /** Called with Klarna's response to each heartbeat. */
  readonly onHeartbeat: (credential: string, response: KlarnaResponse['kind']) => void;
  /** Called with each credential that could not be looked at. The others are not held up by it. */
  readonly onFault: (credential: string, error: unknown) => void;
}

/** Days before the end of a certificate at which it is told of. In the last week it is told of each day. */
const stages = [60, 30, 7] as const;

const day = 86_400_000;

/** An id that no Payment Request has, for a credential with which no call was ever made. */
const unusedId = 'krn:payment:eu1:request:00000000-0000-0000-0000-000000000000' as PaymentRequestId;

/**
 * Watches every credential. Tells of certificates that end soon. Makes one read, a heartbeat, with each credential that has had no other
 * call for a day. Klarna disables a key that is unused for two months, and a refusal is known before a shopper meets it. The read repeats
 * the last call, so it is on a path that Klarna knows. Begins none after `until`, in milliseconds since 1970.
 */
export const watchCredentials =
  (dependencies: CredentialWatchDependencies) =>
  async (until: number): Promise<void> => {
    const { inUse, clock, onFault } = dependencies;
    const all = await inUse();
    await tellCertificates(dependencies, all);
    const seen = new Set<string>();
    for (const klarna of all) {
      if (seen.has(klarna.credential)) continue;
      seen.add(klarna.credential);
      if (clock.now() >= until) return;
      await beat(dependencies, klarna).catch((error: unknown) => onFault(klarna.credential, error));
    }
  };

/**
 * The stage that a certificate has reached, by the days that are left: one of {@link stages}, and then each day. `undefined` before the
 * first of them.
 */
function stageOf(daysLeft: number): number | undefined {
  const [first, second, last] = stages;
  if (daysLeft > first) return undefined;
  if (daysLeft > second) return first;
  return daysLeft > last ? second : Math.ceil(daysLeft);
}

/** Tells of the certificate of each credential that ends first, once at each stage. */
async function tellCertificates(
  { notes, clock, onCertificate, onFault }: CredentialWatchDependencies,
  all: readonly KlarnaCredentials[],
): Promise<void> {
  const ends = new Map<string, Instant>();
  for (const { credential, certificateExpiresAt: end } of all)
    if (end !== undefined) ends.set(credential, earlierOf(end, ends.get(credential) ?? end));
  for (const [credential, end] of ends) {
    const daysLeft = (millisOf(end) - clock.now()) / day;
    const stage = stageOf(daysLeft);
    if (stage === undefined) continue;
    const isNews = await notes.noteCertificate(credential, `${end} ${stage}`).catch((error: unknown) => {
      onFault(credential, error);
      return true;
    });
    if (isNews) onCertificate(credential, daysLeft);
  }
}

/** Makes a heartbeat where it is time for one. A credential that is new here gets a day. */
async function beat(
  { notes, klarna, clock, onHeartbeat }: CredentialWatchDependencies,
  credentials: KlarnaCredentials,
): Promise<void> {
  const { credential } = credentials;
  const use = await notes.lastUse(credential);
  if (!use) await notes.noteUse(credential, { at: clock.now() });
  if (!use || clock.now() - use.at < day) return;
  const { paymentRequestId, partnerAccountId } = use.call ?? {
    paymentRequestId: unusedId,
    partnerAccountId: credentials.partnerAccountId,
  };
  const asked = { ...credentials, partnerAccountId };
  // The pace of the calls notes the use, as it does for any other call.
  const response = await klarna.read(asked, paymentRequestId, callLimit);
  onHeartbeat(credential, response.kind);
}
