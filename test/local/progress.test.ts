import { expect, it } from 'vitest';
import { showProgress } from '../../local/progress.ts';

it('each step is a line, with its seconds when the next one begins', () => {
  let now = 0;
  let shown = '';
  const { begin, end } = showProgress(
    (text) => (shown += text),
    () => now,
  );
  begin('checking the ports');
  now = 60;
  begin('synthesizing the stack');
  expect(shown).toBe('… checking the ports  0.1 s\n… synthesizing the stack');
  now = 4_260;
  end();
  end();
  expect(shown).toBe('… checking the ports  0.1 s\n… synthesizing the stack  4.2 s\n');
});
