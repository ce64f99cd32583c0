import { followLines } from '../follow-lines.ts';
import { type LogLine, readLogLine } from './log-line.ts';

/**
 * The lines of the functions in the log of a local system.
 *
 * @param control its control address
 */
export async function* followLocal(
  control: string,
  {
    functions,
    since,
    isFollowed,
    signal,
  }: {
    readonly functions: ReadonlyMap<string, string>;
    readonly since: number;
    readonly isFollowed: boolean;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<LogLine, void> {
  for await (const text of followLines(`${control}/log?follow=${isFollowed}`, signal)) {
    // The first word names the part of the local system that logged the line.
    const [, name = '', said = ''] = /^([a-z-]+): (.*)$/s.exec(text) ?? [];
    const line = functions.has(name) ? readLogLine(said, name, Date.now()) : undefined;
    if (line && line.at >= since) yield line;
  }
}
