import type { CredentialEntry } from '../../functions/adapters/secrets/secret-credentials.ts';
import { partiesOf } from '../../functions/adapters/secrets/secret-fields.ts';
import type { Clock, WebhookArrivals } from '../../functions/application/ports.ts';
import type { CredentialName } from '../../functions/domain/identifiers.ts';
import type { KlarnaAccess, KlarnaAccount } from '../klarna/klarna-account.ts';
import type { EditableSecret, SecretEditor } from '../secrets/secret-editor.ts';
import type { NewKeyNotes } from './new-key-notes.ts';

/** The names of the credentials that `lapse connect` has added to those of the stack. */
export interface CredentialNames {
  readonly credentialNames: () => Promise<readonly CredentialName[]>;
  /** Adds a name; one that is there stays. */
  readonly addCredentialName: (name: CredentialName) => Promise<void>;
  /** Removes a name; one that is not there is no error. */
  readonly removeCredentialName: (name: CredentialName) => Promise<void>;
}

/** Shows a step: what it is about, what became of it, and a line for people. */
export type ShowStep = (
  step: string,
  result: 'unchanged' | 'done' | 'would_do' | 'waiting' | 'failed',
  line: string,
) => void;

/** Where one credential is kept, at AWS and at Klarna. */
export interface Connection {
  readonly credential: CredentialName;
  readonly isDryRun: boolean;
  /** The address that Klarna sends webhooks to. */
  readonly webhookUrl: string;
  /** What an API key that a command makes is described with at Klarna. No other system uses the same words. */
  readonly keyDescription: string;
  readonly editor: SecretEditor;
  readonly signingKeysSecret: EditableSecret;
  readonly credentialSecret: EditableSecret;
  readonly names: CredentialNames;
  readonly notes: NewKeyNotes;
  readonly arrivals: Pick<WebhookArrivals, 'last'>;
  readonly clock: Pick<Clock, 'now' | 'wait'>;
  /** Klarna in an environment, called with this access. */
  readonly klarnaWith: (environment: CredentialEntry['environment'], access: KlarnaAccess) => KlarnaAccount;
  readonly show: ShowStep;
}

/** How a stored credential calls Klarna. */
export const accessOf = (entry: CredentialEntry): KlarnaAccess => ({
  apiKey: entry.api_key,
  username: entry.username,
  clientCertificate: entry.client_certificate,
  clientKey: entry.client_key,
  ...partiesOf(entry),
});
