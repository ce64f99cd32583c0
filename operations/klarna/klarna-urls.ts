import type { CommonOptions } from '../common-options.ts';
import type { Target } from '../target.ts';

/** Klarna's address of each environment: that of `--klarna-url`, else those that the functions call. */
export const klarnaUrlsOf = (
  { klarnaUrl }: Pick<CommonOptions, 'klarnaUrl'>,
  { outputs }: Pick<Target, 'outputs'>,
): Readonly<Record<'test' | 'live', string>> => ({
  test: klarnaUrl ?? outputs.KlarnaTestUrl,
  live: klarnaUrl ?? outputs.KlarnaLiveUrl,
});
