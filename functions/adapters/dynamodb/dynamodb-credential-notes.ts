import type { CredentialNotes, CredentialUse, UpdateVerb } from '../../application/ports.ts';
import { getItem, type TableAccess, updateItem } from './table-items.ts';
import { credentialKeyOf } from './record-keys.ts';
import { UpdateBuilder } from './update-expression.ts';
import { parsePaymentRequestId } from '../../domain/identifiers.ts';

/** Milliseconds for which a noted use is not replaced by a later one. */
const useInterval = 3_600_000;

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

  async lastUse(credential: string): Promise<CredentialUse | undefined> {
    const item = (await getItem(this.#table, credentialKeyOf(credential))) ?? {};
    const { used_at: at, used_for: id, used_by: partner } = item;
    if (typeof at !== 'number') return undefined;
    const paymentRequestId = typeof id === 'string' ? parsePaymentRequestId(id) : undefined;
    const partnerAccountId = typeof partner === 'string' ? partner : undefined;
    return { at, ...(paymentRequestId && { call: { paymentRequestId, partnerAccountId } }) };
  }

  async noteCertificate(credential: string, told: string): Promise<boolean> {
    const update = new UpdateBuilder().put('certificate_told', told);
    const name = update.name('certificate_told');
    const condition = `attribute_not_exists(${name}) OR ${name} <> ${update.value(told)}`;
    return (await updateItem(this.#table, credentialKeyOf(credential), update.when(condition))).written;
  }

  async noteUse(credential: string, { at, call }: CredentialUse): Promise<void> {
    const update = new UpdateBuilder().put('used_at', at);
    const isUnseen = `attribute_not_exists(${update.name('used_at')})`;
    // When it was first seen replaces no call.
    let condition = isUnseen;
    if (call) {
      update.put('used_for', call.paymentRequestId).put('used_by', call.partnerAccountId);
      const isOld = `${update.name('used_at')} < ${update.value(at - useInterval)}`;
      condition = `${isUnseen} OR ${isOld} OR attribute_not_exists(${update.name('used_for')})`;
    }
    await updateItem(this.#table, credentialKeyOf(credential), update.when(condition));
  }
}
