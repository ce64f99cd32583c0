import type { WebhookArrivals } from '../../functions/application/ports.ts';
import type { Instant } from '../../functions/domain/instant.ts';

/** When webhooks arrived, in memory. */
export class InMemoryArrivals implements WebhookArrivals {
  readonly noted: { readonly signingKeyId: string; readonly at: Instant }[] = [];
  /** The error of every note, if there is one. */
  fails: Error | undefined;

  note(signingKeyId: string, at: Instant): Promise<void> {
    if (this.fails) return Promise.reject(this.fails);
    this.noted.push({ signingKeyId, at });
    return Promise.resolve();
  }

  last(signingKeyId: string): Promise<Instant | undefined> {
    const times = this.noted.filter((each) => each.signingKeyId === signingKeyId).map(({ at }) => at);
    return Promise.resolve(times.toSorted().at(-1));
  }
}
