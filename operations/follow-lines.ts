/** The lines of a response as they arrive, until it ends or the signal aborts. Empty lines are left out. */
export async function* followLines(url: string, signal: AbortSignal): AsyncGenerator<string, void> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error(`${url} responded with ${response.status}.`);
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}
