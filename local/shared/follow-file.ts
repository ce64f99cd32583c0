import { open } from 'node:fs/promises';
import { pause } from './pause.ts';

/** Pause between two readings at the end of the file. */
const pauseMilliseconds = 100;

/** The lines of a file that is only appended to. With a signal, also the later ones, until it aborts. */
export async function* linesOfFile(file: string, signal?: AbortSignal): AsyncGenerator<string, void> {
  await using handle = await open(file, 'r');
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let rest = '';
  while (signal?.aborted !== true) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (bytesRead > 0) continue;
    if (!signal) return;
    await pause(pauseMilliseconds, signal);
  }
}
