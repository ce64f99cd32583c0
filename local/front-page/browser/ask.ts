/** The response to a call. `problem` is a sentence for the reader where the call was refused, or had no response. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly problem?: string;
}

/** What the reader sees where there is no response. */
export const noResponse = 'Lapse does not respond. Is its command still running?';

const mark = { 'x-lapse-page': '1' };

/** Calls Lapse, the simulator or the control address through the page's own address. Never rejects. */
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
    return { status: 0, body: {}, problem: noResponse };
  }
}

/** Reads a stream of JSON, one document a line, until the signal aborts or the stream ends. */
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

/** The problem's own words, as the API, the simulator, the control address or API Gateway wrote them. */
function problemIn(body: unknown, status: number): string {
  const { title, detail, error, message } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const words = [title, detail, error, message].filter((each) => typeof each === 'string');
  return words.length > 0 ? `${status}: ${words.join('. ')}` : `Refused with status ${status}.`;
}
