import { vi } from 'vitest';

/** What the process has written since {@link captureOutput} was called, standard output and standard error together. */
export interface CapturedOutput {
  text(): string;
  /** The lines that are JSON objects: log lines, and metrics in the embedded format. */
  lines(): readonly Readonly<Record<string, unknown>>[];
  clear(): void;
}

/** Keeps what is written instead of showing it, until `vi.restoreAllMocks()`. */
export function captureOutput(): CapturedOutput {
  const chunks: string[] = [];
  const keep = (chunk: string | Uint8Array): boolean => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
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
