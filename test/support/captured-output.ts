import { afterEach, beforeEach, vi } from 'vitest';

/** What the process has written to standard output and standard error, together. */
export interface CapturedOutput {
  text(): string;
  /** The lines that are JSON objects: log lines, and metrics in the embedded format. */
  lines(): readonly Readonly<Record<string, unknown>>[];
  clear(): void;
}

/** Keeps what each test of the file writes, and shows none of it. Restores all of vitest's spies after each test. */
export function captureOutput(): CapturedOutput {
  const chunks: string[] = [];
  const keep = (chunk: string | Uint8Array): boolean => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    return true;
  };
  beforeEach(() => {
    chunks.splice(0);
    vi.spyOn(process.stdout, 'write').mockImplementation(keep);
    vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  });
  afterEach(() => void vi.restoreAllMocks());
  const text = () => chunks.join('');
  return {
    text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    clear: () => void chunks.splice(0),
  };
}
