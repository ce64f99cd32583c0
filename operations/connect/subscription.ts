import type { Webhook } from '../klarna/klarna-account.ts';
import type { Binding } from './binding.ts';

/** The version of the events that Lapse reads. */
export const eventVersion = 'v2';

/** The types that Lapse uses. An acquiring partner's webhook also tells of accounts that it onboards. */
export const typesFor = ({ account }: Pick<Binding, 'account'>): readonly string[] => [
  'payment.request.*',
  'payment.transaction.state-change.*',
  ...(account.kind === 'acquirer' ? ['partner.account.*'] : []),
];

/** The types, and those of a subscription that they do not include. */
export function mergedTypes(subscribed: readonly string[], wanted: readonly string[]): readonly string[] {
  const missing = wanted.filter((type) => !subscribed.some((each) => includesType(each, type)));
  return [...subscribed, ...missing];
}

/** Whether a subscription to a type or a pattern gets all events of another one. */
export const includesType = (pattern: string, type: string): boolean =>
  pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)));

/** The subscriptions of this address. */
export const ownWebhooks = (webhooks: readonly Webhook[], url: string): readonly Webhook[] =>
  webhooks.filter((webhook) => normalized(webhook.url) === normalized(url));

const normalized = (url: string): string => (URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : url);
