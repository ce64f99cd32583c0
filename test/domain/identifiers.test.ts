import { describe, expect, it } from 'vitest';
import {
  ownEventId,
  parseAccount,
  parseCancelJobId,
  parseEventId,
  parsePaymentRequestId,
  parseSessionId,
} from '../../functions/domain/identifiers.ts';

const uuid = '552603c0-fe8b-4ab1-aacb-41d55fafbdb4';

describe('parseAccount', () => {
  it.each(['a', 'shop-se', '0', '-', 'a'.repeat(32)])('%s is an account', (text) => {
    expect(parseAccount(text)).toBe(text);
  });

  it.each([
    '',
    'Shop',
    'shop_se',
    'shop.se',
    'a#b',
    'a/b',
    'å',
    'shop\n',
    ' shop',
    'a'.repeat(33),
    '__proto__',
  ])('%j is not an account', (text) => {
    expect(parseAccount(text)).toBeUndefined();
  });
});

describe('parsePaymentRequestId', () => {
  it.each([
    `krn:payment:eu1:request:${uuid}`,
    `krn:payment:us1:request:${uuid}`,
    'krn:payment:ap-south-1:request:1eefc1a4-6f14-6b4e-9b0e-0242ac120002',
    `krn:payment:eu1:request:${uuid.toUpperCase()}`,
    'krn:payment:eu1:request:x',
    `krn:payment:eu1:request:${'x'.repeat(64)}`,
  ])('%s is a Payment Request id', (text) => {
    expect(parsePaymentRequestId(text)).toBe(text);
  });

  it.each([
    '',
    uuid,
    'krn:payment:eu1:request:',
    'krn:payment::request:x',
    `krn:payment:eu1:request:${'x'.repeat(65)}`,
    `krn:payment:eu1:request:${uuid}\n`,
    ` krn:payment:eu1:request:${uuid}`,
    `krn:payment:EU1:request:${uuid}`,
    `krn:payment:eu1:payment:${uuid}`,
    `krn:partner:global:account:test:M48JWZF8`,
    'krn:payment:eu1:request:../../accounts',
    'krn:payment:eu1:request:a/b',
    'krn:payment:eu1:request:a%2Fb',
    'krn:payment:eu1:request:a#b',
    'krn:payment:eu1:request:a?b',
    'x'.repeat(10_240),
  ])('%j is not a Payment Request id', (text) => {
    expect(parsePaymentRequestId(text)).toBeUndefined();
  });
});

describe('parseSessionId', () => {
  it.each([
    's',
    'order 17',
    'köp-42',
    '💶'.repeat(255),
    'a:b;c,d+e&f=g',
    '...',
    '.a',
    'a.',
    '👩‍👩‍👧',
    'می\u200Cخواهم',
    '\uE000',
  ])('%j is a session id', (text) => {
    expect(parseSessionId(text)).toBe(text);
  });

  it.each([
    '',
    's'.repeat(256),
    'a\nb',
    'a\u0000b',
    'a\uD800b',
    'a\u007Fb',
    'a\u0085b',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a%b',
    '.',
    '..',
  ])('%j is not a session id', (text) => {
    expect(parseSessionId(text)).toBeUndefined();
  });
});

describe('parseCancelJobId', () => {
  it.each(['a', '2026-03-01.evening_run', '-', '_'.repeat(64)])('%s is a cancel job id', (text) => {
    expect(parseCancelJobId(text)).toBe(text);
  });

  it.each(['', ' a', 'a ', 'a/b', 'a#b', 'å', 'a\n', '.', '..', 'a'.repeat(65)])(
    '%j is not a cancel job id',
    (text) => {
      expect(parseCancelJobId(text)).toBeUndefined();
    },
  );
});

describe('event ids', () => {
  it.each([uuid, 'read:0001', '!', '~'.repeat(128), '__proto__'])('%s is an event id', (text) => {
    expect(parseEventId(text)).toBe(text);
  });

  it.each(['', ' ', 'a b', 'a\n', 'é', '~'.repeat(129)])('%j is not an event id', (text) => {
    expect(parseEventId(text)).toBeUndefined();
  });

  it('our own event ids are equal only for the same fact', () => {
    expect(ownEventId('read', '1')).toBe(ownEventId('read', '1'));
    expect(ownEventId('read', '1')).not.toBe(ownEventId('read', '2'));
    expect(ownEventId('read', '1')).not.toBe(ownEventId('cancel', '1'));
    expect(parseEventId(ownEventId('claim', 'f'.repeat(32)))).toBeDefined();
  });
});
