import type { components } from '../client/api-types.ts';
import type { Authorization } from '../client/options.ts';
import { Transport } from '../client/transport.ts';

/** What the sweep would do with what is due, as the API shows it. */
export type SweepPreview = components['schemas']['SweepPreview'];

/** Until when records are due, and how many are named. */
export interface PreviewQuery {
  /** RFC 3339. Default: now */
  readonly at?: string | undefined;
  readonly limit: number;
}

/** Reads the preview by the API: the function that responds has the switches of the stage and of all accounts. */
export const readSweepPreview =
  ({ url, authorization }: { readonly url: string; readonly authorization: () => Promise<Authorization> }) =>
  async ({ at, limit }: PreviewQuery): Promise<SweepPreview> => {
    const transport = new Transport({ url, authorization: await authorization() });
    const query = { at, limit: String(limit) };
    return (await transport.send({ method: 'GET', path: '/sweep-preview', query }))
      .body as unknown as SweepPreview;
  };
