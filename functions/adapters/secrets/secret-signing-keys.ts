import * as v from 'valibot';
import { recordOf } from '../../contract/record-of.ts';
import type { SigningKeys } from '../../application/ports.ts';
import type { PartnerBinding, SigningKey } from '../../domain/signing-key.ts';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import { accountOfKrn } from '../../domain/credential.ts';
import { parseAccount, parseCredentialName } from '../../domain/identifiers.ts';
import { type CachedSecret, type Entries, parsedOnce } from './cached-secret.ts';
import { parseEntry, text, time, violationsIn } from './secret-fields.ts';

/** Whether a value is `*`, or a list of ids from which the names of accounts follow. */
const isSubjects = (given: unknown): boolean =>
  given === '*' ||
  (Array.isArray(given) &&
    given.length > 0 &&
    given.every((krn) => typeof krn === 'string' && accountOfKrn(krn) !== undefined));

const unknownSubjects = ['accept', 'quarantine'] as const;

/**
 * One entry of the secret `signing-keys`. An empty key is malformed, because anyone could sign with it. The key names its accounts, or
 * it is bound to a credential and to the partners of its acquirer.
 */
const signingKeySchema = v.pipe(
  v.strictObject({
    key: text,
    recipient_account_id: v.optional(text),
    webhook_id: v.optional(text),
    live: v.optional(v.boolean('must be true or false')),
    accounts: v.optional(
      recordOf(text, text, 'must be an object from account ids of Klarna to account names'),
    ),
    credential: v.optional(
      v.pipe(
        v.string('must be a text'),
        v.check(
          (given) => parseCredentialName(given) !== undefined,
          'must be 1 to 32 lower-case letters, digits and hyphens',
        ),
      ),
    ),
    subjects: v.optional(
      v.custom<'*' | readonly string[]>(isSubjects, 'must be * or a list of account ids of Klarna'),
    ),
    unknown_subject: v.optional(v.picklist(unknownSubjects, 'must be accept or quarantine')),
    // Notes of `lapse keys rotate`, which the functions do not use: the key stays valid as long as the entry exists.
    replaced_by: v.optional(text),
    retire_after: v.optional(time),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const message of bindingViolations(dataset.value)) addIssue({ message });
  }),
);

/** One entry of the secret `signing-keys`, as it is written. */
export type SigningKeyEntry = v.InferInput<typeof signingKeySchema>;

/** The entry, or a {@link ConfigurationError} that names what is wrong with it, without a value. */
export const parseSigningKeyEntry = (signingKeyId: string, entry: unknown): SigningKeyEntry =>
  parseEntry(signingKeySchema, `The secret signing-keys, entry ${signingKeyId}`, entry);

/** What is wrong with the fields of an entry together. */
function bindingViolations(entry: {
  readonly recipient_account_id?: string | undefined;
  readonly accounts?: Readonly<Record<string, string>> | undefined;
  readonly credential?: string | undefined;
  readonly subjects?: unknown;
  readonly unknown_subject?: string | undefined;
}): readonly string[] {
  const { accounts, credential, subjects, recipient_account_id: recipient, unknown_subject } = entry;
  const violations = {
    'accounts is missing': accounts === undefined && credential === undefined && subjects === undefined,
    'credential and subjects go together: one of them is missing':
      (credential === undefined) !== (subjects === undefined),
    "recipient_account_id is missing: subjects are bound to the acquiring partner's own account id":
      subjects !== undefined && (recipient === undefined || accountOfKrn(recipient) === undefined),
    'unknown_subject goes with subjects *': unknown_subject !== undefined && subjects !== '*',
  };
  return Object.entries(violations).flatMap(([message, isViolated]) => (isViolated ? [message] : []));
}

/** The keys of the secret `signing-keys`. Several are valid during a rotation. */
export class SecretSigningKeys implements SigningKeys {
  readonly #secret: CachedSecret;
  readonly #parsed = parsedOnce(toSigningKey);

  constructor(secret: CachedSecret) {
    this.#secret = secret;
  }

  async find(signingKeyId: string): Promise<SigningKey | undefined> {
    const entry = await this.#secret.entry(signingKeyId);
    return entry === undefined ? undefined : this.#parsed(signingKeyId, entry);
  }

  /** Reads the secret and parses each well-formed key before the first `find`. */
  async read(): Promise<void> {
    const names = await this.#secret.names();
    await Promise.allSettled(names.map((name) => this.find(name)));
  }
}

/** A sentence for each entry of the secret that is wrong, whether a webhook needs it or not. */
export const signingKeyViolations = (entries: Entries): readonly string[] =>
  violationsIn(entries, toSigningKey);

/** The key of an entry. Throws a {@link ConfigurationError} that names what is wrong with it, without a value. */
export function toSigningKey(signingKeyId: string, entry: unknown): SigningKey {
  const secret = `The secret signing-keys, entry ${signingKeyId}`;
  const parsed = parseEntry(signingKeySchema, secret, entry);
  const subjects = Object.entries(parsed.accounts ?? {}).map(([subject, name]) => {
    const account = parseAccount(name);
    if (!account) throw new ConfigurationError(`${secret}: accounts maps ${subject} to no account name.`);
    return [subject, account] as const;
  });
  return {
    id: signingKeyId,
    key: parsed.key,
    recipientAccountId: parsed.recipient_account_id,
    webhookId: parsed.webhook_id,
    live: parsed.live,
    accounts: new Map(subjects),
    partners: partnersOf(parsed),
  };
}

function partnersOf({
  credential,
  subjects,
  recipient_account_id: acquirerAccountId,
  unknown_subject: unknownSubject = 'accept',
}: v.InferOutput<typeof signingKeySchema>): PartnerBinding | undefined {
  const name = parseCredentialName(credential ?? '');
  if (!name || subjects === undefined || acquirerAccountId === undefined) return undefined;
  return {
    credential: name,
    acquirerAccountId,
    subjects: subjects === '*' ? subjects : new Set(subjects),
    unknownSubject,
  };
}
