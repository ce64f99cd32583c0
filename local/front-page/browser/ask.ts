/** What came back. `problem` is a sentence for people where the call was refused, or nobody answered. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly problem?: string;
}

const mark = { 'x-lapse-page': '1' };

/** Calls Lapse, the simulator or the control address by way of the page's own. Never rejects. */
export async function ask(method: string, path: string, body?: unknown): Promise<Reply> {
  try {
    const response = await fetch(path, {
      method,
      headers: { ...mark, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const read = text === '' ? {} : (JSON.parse(text) as unknown);
    return {
      status: response.status,
      body: read,
      ...(!response.ok && { problem: problemIn(read, response.status) }),
    };
  } catch {
    return { status: 0, body: {}, problem: 'Lapse does not respond. Is npm start still running?' };
  }
}

/** A stream of JSON, one document a line, until the signal is aborted or the other side ends it. */
export async function follow(path: string, onDocument: (document: unknown) => void, signal: AbortSignal) {
  const response = await fetch(path, { headers: mark, signal });
  const decoder = new TextDecoder();
  let rest = '';
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onDocument(JSON.parse(line));
  }
}

/** The problem's own words: those of the API, of the simulator and control address, or of API Gateway. */
function problemIn(body: unknown, status: number): string {
  const { title, detail, error, message } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const words = [title, detail, error, message].filter((each) => typeof each === 'string');
  return words.length > 0 ? `${status}: ${words.join('. ')}` : `Refused with the status ${status}.`;
}
