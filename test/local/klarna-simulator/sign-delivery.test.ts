import { expect, test } from 'vitest';
import { verify } from '../../../functions/webhook/klarna-signature.ts';
import { signDelivery } from '../../../local/klarna-simulator/sign-delivery.ts';
import vector from '../../vectors/klarna-signature.json' with { type: 'json' };

test('the signature of the documented vector is right', () => {
  expect(signDelivery(vector.body, vector.key)).toBe(vector.signature);
  expect(signDelivery(Buffer.from(vector.body), vector.key)).toBe(vector.signature);
});

test('the webhook handler verifies what the simulator signs, whatever the bytes', () => {
  const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
  expect(verify(bytes, 'nyckel-å', signDelivery(bytes, 'nyckel-å'))).toBe(true);
});
