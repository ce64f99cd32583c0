/** The Lambda URL that Klarna's webhooks come to. Nothing is parsed or written before the signature holds. */
import { composeWebhook } from './composition/composition-root.ts';
import { webhookHandler } from './webhook/webhook-handler.ts';

const webhook = composeWebhook();

export const { warmUp } = webhook;

export const handler = webhookHandler(webhook);
