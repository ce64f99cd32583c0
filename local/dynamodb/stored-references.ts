import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDbAwaitedReferences } from '../../functions/adapters/dynamodb/dynamodb-awaited-references.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import { type Account, parseReference, type ReferenceKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';

/** Later than any due time: everything that waits is due by then. */
const endOfTime = instantFromMillis(Date.UTC(9999, 0));

/** References of the table that wait, or waited, for their first Payment Request. */
export class StoredReferences {
  readonly #awaited: DynamoDbAwaitedReferences;

  constructor(client: DynamoDBClient, tableName: string) {
    // Nothing is written, so the retention does not matter.
    this.#awaited = new DynamoDbAwaitedReferences({ client, tableName, retentionDays: 1 });
  }

  /**
   * The references of the account with something to do, by a part of them in any case. A reference of exactly this text is found even
   * where all is done.
   */
  async matching(account: Account, search: string): Promise<readonly AwaitedReference[]> {
    const keys = new Map<string, ReferenceKey>();
    const exact = parseReference(search);
    if (exact !== undefined) keys.set(exact, { account, reference: exact });
    for await (const key of this.#awaited.due(endOfTime)) {
      const isMeant = key.reference.toLowerCase().includes(search.toLowerCase());
      if (key.account === account && isMeant) keys.set(key.reference, key);
    }
    const found = await Promise.all([...keys.values()].map((key) => this.#awaited.read(key)));
    return found.filter((awaited) => awaited !== undefined);
  }
}
