import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';

/** Adds `lapse page-keys`. */
export function addPageKeysCommands(program: Program, open: Open): void {
  program
    .command('page-keys')
    .description('the keys that sign page tokens')
    .command('rotate')
    .description('make a new key; tokens of the key before stay valid until the next rotation')
    .addHelpText(
      'after',
      `
Examples:
  lapse page-keys rotate --stack Lapse-live
  lapse page-keys rotate --stack Lapse-live --yes

Where a key has leaked, rotate, wait two minutes, and rotate again: no token of an earlier key is valid then.`,
    )
    .action(async () => {
      const context = open();
      const { openPageKeys } = await import('./page-keys/open-page-keys.ts');
      const { rotatePageKeys } = await import('./page-keys/rotate-page-keys.ts');
      const { outcome, rotatedAt } = await rotatePageKeys(await openPageKeys(context), context.confirm);
      context.print.result({ outcome, rotated_at: rotatedAt ?? null }, sentences[outcome]);
      if (outcome === 'declined' && !context.isDryRun) context.fail();
    });
}

const sentences = {
  rotated:
    'A new key signs page tokens within two minutes. Tokens of the key before stay valid until the next rotation.',
  would_rotate: 'A new key would be made. Tokens of the key before would stay valid until the next rotation.',
  rotated_by_another: 'Another command has rotated the keys meanwhile. Nothing was changed.',
  declined: 'Nothing was changed.',
} as const;
