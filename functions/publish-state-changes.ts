/** The table's stream: publishes each write in order, and nothing that was not written. */
import { composePublishing } from './composition/composition-root.ts';
import { streamHandler } from './triggers/stream-handler.ts';

const publishing = composePublishing();

export const { warmUp } = publishing;

export const handler = streamHandler(publishing);
