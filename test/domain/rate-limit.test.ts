import { describe, expect, it } from 'vitest';
import {
  allowance,
  isHalfSeen,
  isRelaxed,
  untilGrown,
  windowAfter,
  windowAt,
} from '../../functions/domain/rate-limit.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const signal = (remaining: number, resetSeconds: number, limit = 600) => ({
  limit,
  remaining,
  resetMillis: resetSeconds * 1_000,
});
const window = windowAfter(undefined, signal(600, 60), now);

describe('the window of a rate limit', () => {
  it('a response that was overtaken does not give calls back', () => {
    const later = windowAfter(window, signal(590, 60), now + 100);
    expect(windowAfter(later, signal(595, 60), now + 200).remaining).toBe(590);
  });

  it('a reset that Klarna rounds differently is the same window', () => {
    const later = windowAfter(window, signal(500, 59), now + 1_400);
    expect(later).toMatchObject({ remaining: 500, resetsAt: window.resetsAt });
  });

  it('a later reset is another window', () => {
    expect(windowAfter(window, signal(599, 60), now + 60_500)).toMatchObject({
      remaining: 599,
      resetsAt: now + 120_500,
    });
  });

  it('a window that has ended is followed by one of which nothing is used', () => {
    const used = windowAfter(undefined, signal(0, 60), now);
    expect(windowAt(used, now + 59_999)).toBe(used);
    expect(windowAt(used, now + 60_000)).toMatchObject({
      remaining: 600,
      resetsAt: now + 120_000,
      isAssumed: true,
    });
    expect(windowAt(used, now + 200_000).resetsAt).toBe(now + 240_000);
  });
});

describe('the share of Lapse', () => {
  it('the share grows evenly over the window, from a tenth of it', () => {
    const at = (seconds: number) => allowance(window, 0.5, now + seconds * 1_000);
    expect([at(0), at(30), at(60)]).toEqual([30, 165, 300]);
  });

  it('one attempt is always allowed', () => {
    expect(allowance(windowAfter(undefined, signal(1, 60, 1), now), 0.1, now)).toBe(2);
  });

  it('calls of the acquirer itself count towards the pressure', () => {
    expect(isRelaxed(window, 0.5, 0, now)).toBe(true);
    const used = windowAfter(window, signal(580, 60), now + 10);
    expect(isRelaxed(used, 0.5, 0, now + 10)).toBe(false);
  });

  it('calls whose responses are still to come count towards the pressure', () => {
    expect(isRelaxed(window, 0.5, 14, now)).toBe(true);
    expect(isRelaxed(window, 0.5, 15, now)).toBe(false);
  });

  it('half a window is seen by a response of this moment alone', () => {
    const seen = windowAfter(window, signal(500, 25), now + 35_000);
    expect(isHalfSeen(seen, now + 36_000)).toBe(true);
    expect(isHalfSeen(seen, now + 37_000)).toBe(false);
    expect(isHalfSeen(windowAfter(window, signal(599, 40), now + 20_000), now + 20_000)).toBe(false);
  });

  it('the share has grown by a call after its part of the window, or with the next window, and not too often', () => {
    expect(untilGrown(window, 0.5, 9, now)).toBe(2_000);
    expect(untilGrown(window, 0.5, 9, window.resetsAt - 500)).toBe(500);
    expect(untilGrown(window, 0.5, 1, now)).toBe(250);
  });
});
