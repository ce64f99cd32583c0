import type { CredentialNotes, UpdateVerb } from '../../application/ports.ts';
import { getItem, type TableAccess, updateItem } from './table-items.ts';
import { credentialKeyOf } from './record-keys.ts';
import { UpdateBuilder } from './update-expression.ts';

/** What the processes know together of each credential: a part of the item that holds its share of the rate limit. */
export class DynamoDbCredentialNotes implements CredentialNotes {
  readonly #table: TableAccess;

  constructor(table: TableAccess) {
    this.#table = table;
  }

  async updateVerb(credential: string): Promise<UpdateVerb | undefined> {
    const { update_verb: verb } = (await getItem(this.#table, credentialKeyOf(credential), 'eventual')) ?? {};
    return verb === 'PUT' || verb === 'PATCH' ? verb : undefined;
  }

  async noteUpdateVerb(credential: string, verb: UpdateVerb): Promise<void> {
    const update = new UpdateBuilder().put('update_verb', verb);
    await updateItem(this.#table, credentialKeyOf(credential), update.when());
  }
}
