import {
  checkCredential,
  type CredentialEntry,
} from '../../functions/adapters/secrets/secret-credentials.ts';
import { type CredentialName, parseCredentialName } from '../../functions/domain/identifiers.ts';
import type { CommandContext } from '../command-context.ts';
import { KlarnaAccount } from '../klarna/klarna-account.ts';
import { klarnaUrlsOf } from '../klarna/klarna-urls.ts';
import { credentialKind, signingKeysKind } from '../secrets/secret-kinds.ts';
import { SecretEditor } from '../secrets/secret-editor.ts';
import { secretsManagerStore } from '../secrets/secret-store.ts';
import { clockOf } from '../system-clock.ts';
import { UsageError } from '../usage-error.ts';
import { accessOf, type Connection } from './connection.ts';
import { tableNotes } from './new-key-notes.ts';

/** The connection of a credential in the system that the options name. */
export async function openConnection(context: CommandContext, name: string): Promise<Connection> {
  const credential = credentialOf(name);
  const target = await context.target();
  const { outputs, aws } = target;
  const klarnaUrls = klarnaUrlsOf(context.options, target);
  const [
    { DynamoDBClient },
    { SecretsManagerClient },
    { DynamoDbAccounts },
    { DynamoDbWebhookArrivals },
    shared,
  ] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@aws-sdk/client-secrets-manager'),
    import('../../functions/adapters/dynamodb/dynamodb-accounts.ts'),
    import('../../functions/adapters/dynamodb/dynamodb-webhook-arrivals.ts'),
    import('../compose-operations.ts'),
  ]);
  const { clock, ids } = shared;
  // A local system's clock can be moved.
  const movable = { now: await clockOf(target.control), wait: (millis: number) => clock.wait(millis) };
  const table = {
    client: new DynamoDBClient(aws),
    tableName: outputs.TableName,
    retentionDays: outputs.RetentionDays,
  };
  const { isDryRun, print } = context;
  const secret = `${outputs.CredentialsPrefix}${credential}`;
  return {
    credential,
    isDryRun,
    webhookUrl: outputs.WebhookUrl,
    keyDescription: `Lapse ${secret} at ${new URL(outputs.WebhookUrl).host}`,
    editor: new SecretEditor({
      store: await secretsManagerStore(new SecretsManagerClient(aws)),
      ids,
      isDryRun,
    }),
    signingKeysSecret: { name: outputs.SigningKeysSecretName, kind: signingKeysKind },
    credentialSecret: {
      name: secret,
      kind: credentialKind(credential),
      creation: {
        description: `Credential ${credential} of Lapse: an API key of Klarna and what goes with it`,
        encryptionKey: outputs.EncryptionKeyArn,
      },
    },
    names: new DynamoDbAccounts(table),
    notes: tableNotes(table),
    arrivals: new DynamoDbWebhookArrivals(table),
    clock: movable,
    klarnaWith: (environment, access) =>
      new KlarnaAccount({ url: klarnaUrls[environment], access, ids, clock: movable }),
    show: (step, result, line) => print.result({ credential, step, result, text: line }, line),
  };
}

function credentialOf(name: string): CredentialName {
  const credential = parseCredentialName(name);
  if (!credential)
    throw new UsageError(`--credential is ${name}; allowed: 1 to 32 lower-case letters, digits and hyphens.`);
  return credential;
}

/** A connected credential. */
export interface OpenedCredential {
  readonly connection: Connection;
  readonly entry: CredentialEntry;
  readonly klarna: KlarnaAccount;
}

/** The connection of a credential that has its secret. @throws {UsageError} where it has none */
export async function openCredential(context: CommandContext, name: string): Promise<OpenedCredential> {
  const connection = await openConnection(context, name);
  const { credential, editor, credentialSecret } = connection;
  const entry = checkCredential(credential, await editor.read(credentialSecret));
  if (!entry)
    throw new UsageError(
      `The credential ${credential} is not connected. Run \`lapse connect --credential ${credential} --env test\` first.`,
    );
  return { connection, entry, klarna: connection.klarnaWith(entry.environment, accessOf(entry)) };
}
