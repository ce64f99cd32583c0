/** The function URL for Klarna's webhooks. Nothing is parsed or written before the signature is verified. */
import { composeWebhook } from './composition/composition-root.ts';
import { webhookHandler } from './webhook/webhook-handler.ts';

const webhook = composeWebhook();

export const { warmUp } = webhook;

export const handler = webhookHandler(webhook);
