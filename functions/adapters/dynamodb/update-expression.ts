import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';

/** The parts of an `UpdateItem` that an update consists of. */
export type Expressions = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/**
 * Collects an update and its condition. Names and values of attributes are passed by reference and never become part
 * of the text.
 */
export class UpdateBuilder {
  readonly #names = new Map<string, string>();
  readonly #values: Record<string, unknown> = {};
  readonly #sets: string[] = [];
  readonly #removes: string[] = [];

  /** Returns the placeholder of an attribute. */
  name(attribute: string): string {
    const placeholder = this.#names.get(attribute) ?? `#${this.#names.size}`;
    this.#names.set(attribute, placeholder);
    return placeholder;
  }

  /** Returns the placeholder of a value. */
  value(value: unknown): string {
    const placeholder = `:${Object.keys(this.#values).length}`;
    this.#values[placeholder] = value;
    return placeholder;
  }

  /** Sets the attribute, or removes it if there is no value. */
  put(attribute: string, value: unknown): this {
    if (value === undefined) this.#removes.push(this.name(attribute));
    else this.#sets.push(`${this.name(attribute)} = ${this.value(value)}`);
    return this;
  }

  /** Sets the attribute only if it does not exist. */
  putIfAbsent(attribute: string, value: unknown): this {
    const name = this.name(attribute);
    this.#sets.push(`${name} = if_not_exists(${name}, ${this.value(value)})`);
    return this;
  }

  /** Adds to a counter that may not exist yet. Then it begins at `from`. */
  increment(attribute: string, by = 1, from = 0): this {
    const name = this.name(attribute);
    this.#sets.push(`${name} = if_not_exists(${name}, ${this.value(from)}) + ${this.value(by)}`);
    return this;
  }

  /** Adds to the end of a list that may not exist yet. */
  append(attribute: string, added: readonly unknown[]): this {
    const name = this.name(attribute);
    this.#sets.push(`${name} = list_append(if_not_exists(${name}, ${this.value([])}), ${this.value(added)})`);
    return this;
  }

  /** Sets the attribute to what another one has before this update, or to a value where that does not exist. */
  copy(attribute: string, source: string, fallback: string): this {
    const [name, from] = [this.name(attribute), this.name(source)];
    this.#sets.push(`${name} = if_not_exists(${from}, ${this.value(fallback)})`);
    return this;
  }

  /** Returns the finished expressions, with this condition if there is one. */
  when(condition?: string): Expressions {
    const clauses = [
      this.#sets.length > 0 ? `SET ${this.#sets.join(', ')}` : '',
      this.#removes.length > 0 ? `REMOVE ${this.#removes.join(', ')}` : '',
    ];
    return {
      UpdateExpression: clauses.filter(Boolean).join(' '),
      ...(condition !== undefined && { ConditionExpression: condition }),
      ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, key]) => [key, name])),
      ExpressionAttributeValues: marshall(this.#values, { removeUndefinedValues: true }),
    };
  }
}
