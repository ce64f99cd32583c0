import { describe, expect, it } from 'vitest';
import { integrationMetadataOf } from '../../../functions/adapters/klarna/integration-metadata.ts';
import { productVersion } from '../../../functions/contract/product-version.ts';
import type { SessionId } from '../../../functions/domain/identifiers.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';

const metadata = (...given: Parameters<typeof integrationMetadataOf>): unknown =>
  JSON.parse(integrationMetadataOf(...given));
const lapse = { name: 'LAPSE', module_name: 'LAPSE', module_version: productVersion };

describe('integrationMetadataOf', () => {
  it('without settings, Lapse is the integrator', () => {
    expect(metadata({})).toEqual({ integrator: lapse });
  });

  it('it names the integrator, the originators and the session', () => {
    const originators = [
      { name: 'SHOP_PLATFORM', moduleName: 'CHECKOUT', moduleVersion: '3.1.4' },
      { name: 'SHOP' },
    ];
    expect(metadata({ integrator: 'ACME_PAYMENTS', originators }, 'cart-17' as SessionId)).toEqual({
      integrator: { ...lapse, name: 'ACME_PAYMENTS', session_reference: 'cart-17' },
      originators: [
        { name: 'SHOP_PLATFORM', module_name: 'CHECKOUT', module_version: '3.1.4' },
        { name: 'SHOP' },
      ],
    });
  });

  it.each(['jane@example.com', planted.name, 'köp-17', 'a b', 'Jane Doe', '😀', '"', '{}'])(
    'a session id that may be a name or an address is left out: %s',
    (id) => {
      expect(metadata({}, id as SessionId)).toEqual({ integrator: lapse });
      expect(plantedIn(integrationMetadataOf({}, id as SessionId))).toEqual([]);
    },
  );

  it('the longest names and session id take less than 6 KB, on one line of ASCII', () => {
    const name = 'N'.repeat(64);
    const party = { name, moduleName: name, moduleVersion: '9'.repeat(32) };
    const header = integrationMetadataOf(
      { integrator: name, originators: Array.from({ length: 8 }, () => party) },
      's'.repeat(255) as SessionId,
    );
    expect(header.length).toBeLessThan(6_144);
    expect(header).toMatch(/^[\x20-\x7e]+$/);
  });
});
