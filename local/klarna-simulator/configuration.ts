import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import { closedObject } from '../shared/checked-json.ts';
import { settingsEntries } from './settings.ts';
import { eventTypePattern } from './event-types.ts';

const text = v.pipe(v.string(), v.minLength(1));

/** A subscription that exists from the start, without a call to the API. */
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
  /** Default: an id made from the place in the list, so that it is stable across restarts. */
  webhook_id: v.exactOptional(text),
  recipient_account_id: v.exactOptional(text),
  /**
   * The subject of events about requests without a partner account. Events of other requests have their owner as
   * subject.
   */
  subject_account_id: v.exactOptional(text),
  live: v.exactOptional(v.boolean()),
  /** The partner accounts whose events are delivered here. Default: all. */
  partner_account_ids: v.exactOptional(v.array(text)),
});

/**
 * The file given with `--config`: the settings of settings.ts, the callers and the subscribers. All keys are invented:
 * the simulator sends no API key anywhere.
 */
export const configurationSchema = closedObject({
  ...settingsEntries,
  /**
   * API keys of the callers. Default: any key is accepted. A key with a partner account is valid for that account only.
   */
  apiKeys: v.exactOptional(
    recordOf(
      text,
      closedObject({
        partner_account_id: v.exactOptional(text),
        username: v.exactOptional(text),
      }),
    ),
  ),
  /** The keys that sign deliveries, by id. */
  signingKeys: v.exactOptional(recordOf(text, text), {}),
  webhooks: v.exactOptional(v.array(webhookSchema), []),
});

/** The configuration as the file has it. */
export type ConfigurationInput = v.InferInput<typeof configurationSchema>;

export type Configuration = v.InferOutput<typeof configurationSchema>;
