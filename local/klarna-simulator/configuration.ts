import * as v from 'valibot';
import { closedObject } from '../shared/read-json.ts';
import { settingsEntries } from './settings.ts';
import { eventTypePattern } from './event-types.ts';

const text = v.pipe(v.string(), v.minLength(1));

/** What is subscribed from the start, without a call to the API. */
const webhookSchema = closedObject({
  url: v.pipe(
    v.string(),
    v.check((given) => /^https?:/.test(given) && URL.canParse(given), 'an http or https URL'),
  ),
  signing_key_id: text,
  event_types: v.exactOptional(
    v.array(
      v.pipe(
        v.string(),
        v.check((given) => eventTypePattern.test(given), 'a type such as payment.*'),
      ),
    ),
    ['payment.*'],
  ),
  /** Default: one that is made from the place in the list, so that it stays the same over restarts. */
  webhook_id: v.exactOptional(text),
  recipient_account_id: v.exactOptional(text),
  /** Whom the events of requests are about that no partner account owns; those of others are about their owner. */
  subject_account_id: v.exactOptional(text),
  live: v.exactOptional(v.boolean()),
  /** The partner accounts whose events come here. Default: everybody's. */
  partner_account_ids: v.exactOptional(v.array(text)),
});

/**
 * The file given with `--config`: the settings of settings.ts, and who may call and who is told from the start. All made up:
 * the simulator sends an API key to nobody.
 */
export const configurationSchema = closedObject({
  ...settingsEntries,
  /** Keys of the callers; absent, any key will do. A key with a partner account speaks for that one only. */
  apiKeys: v.exactOptional(
    v.record(
      text,
      closedObject({
        partner_account_id: v.exactOptional(text),
        username: v.exactOptional(text),
      }),
    ),
  ),
  /** The keys that deliveries are signed with, by id. */
  signingKeys: v.exactOptional(v.record(text, text), {}),
  webhooks: v.exactOptional(v.array(webhookSchema), []),
});

/** As it is written in the file. */
export type ConfigurationInput = v.InferInput<typeof configurationSchema>;

export type Configuration = v.InferOutput<typeof configurationSchema>;
