/** The fields of the secrets: what each allows, and one sentence for each violation. No sentence contains a value. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import leven from 'leven';
import * as v from 'valibot';
import { ConfigurationError } from '../../domain/configuration-error.ts';
import { accountOfKrn } from '../../domain/credential.ts';
import { type Instant, instantFromMillis, parseInstant } from '../../domain/instant.ts';

/** A text of at least one character. */
export const text = v.pipe(v.string('must be a text'), v.minLength(1, 'must have at least one character'));

const headerFormat = 'must be visible ASCII characters, without spaces, line ends or invisible characters';

/**
 * A text that is sent in a header. Node refuses some of the excluded characters, and Klarna would refuse the others.
 */
export const headerText = v.pipe(text, v.regex(/^[\x21-\x7e]+$/, headerFormat));

/** A user name of HTTP Basic authentication, without a colon (RFC 7617, section 2). An empty one is legal. */
export const basicUsername = v.pipe(
  v.string('must be a text'),
  v.regex(/^[\x20-\x39\x3b-\x7e]*$/, 'must be printable ASCII characters without a colon'),
);

/** Klarna's account id, such as `krn:partner:global:account:test:M48JWZF8`. */
export const krn = v.pipe(
  v.string('must be a text'),
  v.regex(
    /^krn:[A-Za-z0-9:_-]{1,200}$/,
    "must be one of Klarna's account ids, such as krn:partner:global:account:test:M48JWZF8",
  ),
);

/** Klarna's id of an account whose last segment has a lower-case name of its own. */
export const accountKrn = v.pipe(
  krn,
  v.check(
    (given) => accountOfKrn(given) !== undefined,
    'must end in capital letters, digits and hyphens, such as krn:partner:global:account:test:M48JWZF8',
  ),
);

/** A time in RFC 3339, UTC. */
export const time = v.pipe(
  v.string('must be a text'),
  v.check(
    (given) => parseInstant(given) !== undefined,
    'must be a time in RFC 3339, such as 2026-03-01T12:00:00Z',
  ),
);

const lineEnds = v.check<string, string>(
  (given) => !given.includes('\\n'),
  'must have line ends, not the two characters \\n',
);

/** A certificate in PEM, or a chain that starts with the client's own certificate. */
export const pemCertificate = v.pipe(
  text,
  lineEnds,
  v.check((given) => certificateIn(given) !== undefined, 'must be a certificate in PEM'),
);

/** An unencrypted private key in PEM. */
export const pemKey = v.pipe(
  text,
  lineEnds,
  v.check((given) => keyIn(given) !== undefined, 'must be an unencrypted private key in PEM'),
);

/**
 * What is wrong with a client certificate and its key together, if anything. A violation of one of them alone is
 * reported with its own field. OpenSSL decides last: it also refuses short keys and broken chains.
 */
export function identityViolation(
  certificate: string | undefined,
  key: string | undefined,
): string | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    return 'client_certificate and client_key go together: one of them is missing';
  }
  const [own, its] = [certificateIn(certificate), keyIn(key)];
  if (!own || !its) return undefined;
  if (!own.checkPrivateKey(its)) return 'client_key is not the key of client_certificate';
  try {
    createSecureContext({ cert: certificate, key });
    return undefined;
  } catch {
    return 'client_certificate and client_key cannot be used for TLS: a key is too short, or the chain is broken';
  }
}

const pemBlocks = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** When the first certificate of a chain in PEM ends; `undefined` where there is none. */
export function certificateEndOf(pem: string | undefined): Instant | undefined {
  const ends = (pem?.match(pemBlocks) ?? []).flatMap((block) => {
    const certificate = certificateIn(block);
    return certificate ? Date.parse(certificate.validTo) : [];
  });
  return ends.length > 0 ? instantFromMillis(Math.min(...ends)) : undefined;
}

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function keyIn(pem: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

const nameFormat = 'must be capital letters, digits and underscores, at most 64, such as ACME_PAYMENTS';

/** The name of a system at Klarna: in SCREAMING_SNAKE_CASE, so never the name of a person as people write it. */
const partyName = v.pipe(v.string('must be a text'), v.regex(/^[A-Z][A-Z0-9_]{0,63}$/, nameFormat));

const versionFormat = 'must be letters, digits and . _ + -, at most 32, such as 3.1.4';

/** A system before Lapse that takes part in its calls to Klarna. */
const originator = v.strictObject(
  {
    name: partyName,
    module_name: v.optional(partyName),
    module_version: v.optional(
      v.pipe(v.string('must be a text'), v.regex(/^[A-Za-z0-9._+-]{1,32}$/, versionFormat)),
    ),
  },
  ({ expected, received }) => {
    if (expected === 'never') return 'is not a setting of an originator';
    return received === 'undefined' ? 'is missing' : 'must be an object with a name';
  },
);

const shareFormat = 'must be a number above 0, at most 1';

/** How to call Klarna: what an entry of the secret `accounts` and a credential have in common. */
export const klarnaFields = {
  environment: v.picklist(['test', 'live'], 'must be test or live'),
  api_key: headerText,
  // An empty user name makes base64 of `:<key>`, which some of Klarna's samples send.
  username: v.optional(basicUsername),
  client_certificate: v.optional(pemCertificate),
  client_key: v.optional(pemKey),
  integrator: v.optional(partyName),
  // Klarna takes 6 KB in a header. With the longest names and session id, eight take half of that.
  originators: v.optional(
    v.pipe(
      v.array(originator, 'must be a list of objects with a name'),
      v.maxLength(8, 'must have at most 8 members'),
    ),
  ),
  rate_share: v.optional(
    v.pipe(
      v.number(shareFormat),
      v.check((given) => given > 0 && given <= 1, shareFormat),
    ),
    0.5,
  ),
} as const;

/** Who calls Klarna, as the fields say. */
export const partiesOf = ({
  integrator,
  originators,
}: {
  readonly integrator?: string | undefined;
  readonly originators?: readonly v.InferOutput<typeof originator>[] | undefined;
}) => ({
  integrator,
  originators: originators?.map(({ name, module_name: moduleName, module_version: moduleVersion }) => ({
    name,
    moduleName,
    moduleVersion,
  })),
});

/** The fields of a client certificate and its key. */
interface Identity {
  readonly client_certificate?: string | undefined;
  readonly client_key?: string | undefined;
}

/** Checks that a certificate and its key belong together, if an entry has them. */
export const checkIdentity = <Entry extends Identity>() =>
  v.rawCheck<Entry>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { client_certificate: certificate, client_key: key } = dataset.value;
    const message = identityViolation(certificate, key);
    if (message !== undefined) addIssue({ message });
  });

/** The schema of an entry: an object with these fields and no others. */
type EntrySchema = v.GenericSchema & { readonly entries: Readonly<Record<string, unknown>> };

/**
 * Parses one entry of a secret.
 *
 * @param subject the secret and the entry, as an operator knows them: `The secret accounts, entry shop-se`.
 * @throws ConfigurationError that names every field that is missing, malformed or unknown, and what it allows.
 */
export function parseEntry<const Schema extends EntrySchema>(
  schema: Schema,
  subject: string,
  entry: unknown,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, entry);
  if (parsed.success) return parsed.output;
  const fields = Object.keys(schema.entries);
  throw new ConfigurationError(
    `${subject}: ${parsed.issues.map((issue) => violationOf(issue, fields)).join('; ')}.`,
  );
}

function violationOf(issue: v.BaseIssue<unknown>, fields: readonly string[]): string {
  const field = v.getDotPath(issue);
  if (field === null) return issue.type === 'strict_object' ? 'must be a JSON object' : issue.message;
  const isNested = (issue.path?.length ?? 0) > 1;
  if (issue.type !== 'strict_object' || isNested) {
    return `${field.split('.').map(shown).join('.')} ${issue.message}`;
  }
  if (fields.includes(field)) return `${field} is missing`;
  const near = fields.find((known) => leven(known, field.toLowerCase()) <= nearMiss);
  return `${shown(field)} is not a setting${near === undefined ? '' : `; did you mean ${near}`}`;
}

/**
 * What is wrong with the entries of a secret: a sentence for each that `parse` refuses. None contains a value.
 *
 * @throws any other error of `parse`
 */
export function violationsIn(
  entries: Readonly<Record<string, unknown>>,
  parse: (name: string, entry: unknown) => unknown,
): readonly string[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    try {
      parse(name, entry);
      return [];
    } catch (error) {
      if (error instanceof ConfigurationError) return [error.message];
      throw error;
    }
  });
}

/** Edits that turn a misspelled name such as `api-key` or `partner_acount_id` into the intended one. */
const nearMiss = 2;

/**
 * An unknown field may be a secret that was pasted in the wrong place. Only text that looks like a name is repeated.
 */
export const shown = (field: string): string =>
  /^[A-Za-z0-9_-]{1,40}$/.test(field) ? field : 'a field with an unusual name';
