import type { CommandContext } from '../command-context.ts';
import { SecretEditor } from '../secrets/secret-editor.ts';
import { accountsKind } from '../secrets/secret-kinds.ts';
import { secretsManagerStore } from '../secrets/secret-store.ts';
import type { AccountEditing } from './edit-account.ts';

/** The accounts of the system that the options name. */
export async function openAccounts(context: CommandContext): Promise<AccountEditing> {
  const [{ outputs, aws }, { settings, ids, stored }, { SecretsManagerClient }] = await Promise.all([
    context.target(),
    context.operations(),
    import('@aws-sdk/client-secrets-manager'),
  ]);
  const store = await secretsManagerStore(new SecretsManagerClient(aws));
  return {
    preview: new SecretEditor({ store, ids, isDryRun: true }),
    editor: new SecretEditor({ store, ids, isDryRun: false }),
    secret: { name: outputs.AccountsSecretName, kind: accountsKind },
    settings: await settings(),
    stored: (account) => stored.read(account),
  };
}
