import { stateWord } from './record.ts';

/** The facts of an event that the page shows as text. */
export interface EventFacts {
  readonly state: string | null;
  readonly cause: string | null;
}

const needsAttention = 'Payment Request Needs Attention';
const attentionResolved = 'Payment Request Attention Resolved';
const wouldHaveCanceled = 'Payment Request Would Have Canceled';

const typeWords: Readonly<Record<string, string>> = {
  'Payment Request Registered': 'Registered',
  'Payment Request State Changed': 'State changed',
  'Payment Request Cancel Refused': 'Cancel refused',
  [needsAttention]: 'Needs attention',
  [attentionResolved]: 'Attention resolved',
  'Session Paid Twice': 'Paid twice',
  'Payment Request Never Seen': 'Never seen',
  [wouldHaveCanceled]: 'Would have canceled',
  'Payment Request Authorized': 'Authorized',
  'Payment Request Not Authorized': 'Not authorized',
};

/** An event's type in a word or two. */
export const typeWord = (type: string): string => typeWords[type] ?? type;

/** An event's state and its cause: who ended the request, why it needs attention, or what observed its end. */
export function factWords(type: string, { state, cause }: EventFacts): string {
  if (cause === null) return stateWord(state);
  if (type === wouldHaveCanceled) return `${stateWord(state)}, observed by ${cause.replaceAll('_', ' ')}`;
  return type === needsAttention || type === attentionResolved
    ? `${stateWord(state)}: ${cause.replaceAll('_', ' ')}`
    : `${stateWord(state)}, by ${cause}`;
}
