import * as v from 'valibot';
import type { WebhookArrivals } from '../../application/ports.ts';
import { type Instant, millisOf, parseInstant } from '../../domain/instant.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { TableOptions } from './dynamodb-payment-request-store.ts';
import { timeToLive } from './record-keys.ts';
import { getItem, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

const partitionKeyOf = (signingKeyId: string): string => `K#${signingKeyId}`;

const itemSchema = v.object({ arrived: v.string() });

/** When the last webhook with each signing key arrived: one small item for each key. */
export class DynamoDbWebhookArrivals implements WebhookArrivals {
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  async note(signingKeyId: string, at: Instant): Promise<void> {
    const update = new UpdateBuilder()
      .put('arrived', at)
      .put(tableSchema.timeToLive, timeToLive(millisOf(at), this.#options.retentionDays));
    const name = update.name('arrived');
    // Processes may write in another order than the webhooks arrived in.
    const isLater = `attribute_not_exists(${name}) OR ${name} < ${update.value(at)}`;
    await updateItem(this.#options, partitionKeyOf(signingKeyId), update.when(isLater));
  }

  async last(signingKeyId: string): Promise<Instant | undefined> {
    const parsed = v.safeParse(itemSchema, await getItem(this.#options, partitionKeyOf(signingKeyId)));
    return parsed.success ? parseInstant(parsed.output.arrived) : undefined;
  }
}
