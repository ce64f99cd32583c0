import type { CommandContext } from '../command-context.ts';
import { SecretEditor } from '../secrets/secret-editor.ts';
import { pageKeysKind } from '../secrets/secret-kinds.ts';
import { secretsManagerStore } from '../secrets/secret-store.ts';
import { clockOf } from '../system-clock.ts';
import { UsageError } from '../usage-error.ts';
import type { PageKeysToRotate } from './rotate-page-keys.ts';

/** The keys of page tokens of the system that the options name. @throws {UsageError} where it serves no pages */
export async function openPageKeys(context: CommandContext): Promise<PageKeysToRotate> {
  const { outputs, aws, control } = await context.target();
  const { PageKeysSecretName: name } = outputs;
  if (name === undefined)
    throw new UsageError('The stack has no pageOrigins, so it has no page keys. Set pageOrigins and deploy.');
  const [{ SecretsManagerClient }, { ids }] = await Promise.all([
    import('@aws-sdk/client-secrets-manager'),
    import('../compose-operations.ts'),
  ]);
  const store = await secretsManagerStore(new SecretsManagerClient(aws));
  return {
    editor: new SecretEditor({ store, ids, isDryRun: context.isDryRun }),
    secret: { name, kind: pageKeysKind },
    isDryRun: context.isDryRun,
    now: await clockOf(control),
    newKey: () => `${ids.next()}${ids.next()}`,
  };
}
