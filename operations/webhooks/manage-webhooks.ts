import { toSigningKey } from '../../functions/adapters/secrets/secret-signing-keys.ts';
import type { SigningKey } from '../../functions/domain/signing-key.ts';
import type { CommandContext } from '../command-context.ts';
import type { OpenedCredential } from '../connect/open-connection.ts';
import { ownWebhooks } from '../connect/subscription.ts';
import { fireAndWait, noDelivery } from '../connect/wait-for-delivery.ts';
import type { Webhook } from '../klarna/klarna-account.ts';
import type { Row } from '../printer.ts';
import { signingKeysKind } from '../secrets/secret-kinds.ts';
import { SecretEditor } from '../secrets/secret-editor.ts';
import { secretsManagerStore } from '../secrets/secret-store.ts';
import { UsageError } from '../usage-error.ts';

/** The subscriptions at Klarna, a row for each. `here`: it sends to this system. */
export async function listWebhooks({ connection, klarna }: OpenedCredential): Promise<readonly Row[]> {
  const { editor, signingKeysSecret, webhookUrl } = connection;
  const stored = await editor.read(signingKeysSecret);
  const webhooks = await klarna.webhooks();
  const own = ownWebhooks(webhooks, webhookUrl);
  return webhooks.map((webhook) => ({
    webhook_id: webhook.webhook_id,
    here: own.includes(webhook),
    status: webhook.status,
    version: webhook.event_version,
    event_types: webhook.event_types.join(' '),
    signing_key_id: webhook.signing_key_id,
    key_stored: Object.hasOwn(stored, webhook.signing_key_id),
    url: webhook.url,
  }));
}

/** Lets Klarna send a test delivery. Returns whether one arrived. */
export async function testWebhook({ connection, klarna }: OpenedCredential): Promise<boolean> {
  const { arrivals, clock, isDryRun, show } = connection;
  const webhook = await ownWebhook({ connection, klarna });
  if (webhook.status !== 'ENABLED')
    throw new UsageError(
      `The webhook ${webhook.webhook_id} is ${webhook.status}. Run \`lapse webhooks resume\` first.`,
    );
  if (isDryRun) {
    show('delivery', 'would_do', 'Klarna would be asked for a test delivery.');
    return true;
  }
  const arrived = await fireAndWait({ klarna, arrivals, clock }, webhook);
  if (arrived === undefined) show('delivery', 'failed', noDelivery);
  else show('delivery', 'done', `A webhook with the key ${webhook.signing_key_id} arrived at ${arrived}.`);
  return arrived !== undefined;
}

/** Enables or disables the subscription of this system. */
export async function setStatus(
  { connection, klarna }: OpenedCredential,
  status: 'ENABLED' | 'DISABLED',
  confirm: (question: string) => Promise<boolean>,
): Promise<void> {
  const { isDryRun, show } = connection;
  const { webhook_id: id, status: before } = await ownWebhook({ connection, klarna });
  const word = status.toLowerCase();
  if (before === status) {
    show('webhook', 'unchanged', `Webhook ${id}: is ${word} already.`);
    return;
  }
  if (isDryRun) {
    show('webhook', 'would_do', `Webhook ${id}: would be ${word}.`);
    return;
  }
  const question =
    'Klarna then reports nothing to this system, and does not catch up later. Disable the webhook?';
  if (status === 'DISABLED' && !(await confirm(question))) throw new UsageError('Nothing was changed.');
  await klarna.changeWebhook(id, { status });
  show('webhook', 'done', `Webhook ${id}: ${word}.`);
}

async function ownWebhook({
  connection: { webhookUrl },
  klarna,
}: Pick<OpenedCredential, 'connection' | 'klarna'>): Promise<Webhook> {
  const [webhook] = ownWebhooks(await klarna.webhooks(), webhookUrl);
  if (!webhook) throw new UsageError(`Klarna has no webhook for ${webhookUrl}. Run \`lapse connect\` first.`);
  return webhook;
}

/** The signing keys of the secret. @throws {ConfigurationError} where one is malformed */
export async function readSigningKeys(context: CommandContext): Promise<readonly SigningKey[]> {
  const { outputs, aws } = await context.target();
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const { ids } = await import('../compose-operations.ts');
  const store = await secretsManagerStore(new SecretsManagerClient(aws));
  const editor = new SecretEditor({ store, ids, isDryRun: true });
  const entries = await editor.read({ name: outputs.SigningKeysSecretName, kind: signingKeysKind });
  return Object.entries(entries).map(([id, entry]) => toSigningKey(id, entry));
}
