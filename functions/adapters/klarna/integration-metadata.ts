import { productVersion } from '../../contract/product-version.ts';
import type { IntegrationParty, KlarnaCredentials } from '../../domain/account-settings.ts';
import type { SessionId } from '../../domain/identifiers.ts';

/** The header in which Klarna wants to know who calls (https://docs.klarna.com/api/kn/integration-resilience, Integration tagging). */
export const integrationMetadataHeader = 'klarna-integration-metadata';

/** The name of this product, as the module that calls, and as the integrator where the account names none. */
const productName = 'LAPSE';

/**
 * A session id that may leave: an id, and not a name, an address or another text of a person. The other ids that a session may have are
 * left out.
 */
const sessionReferencePattern = /^[A-Za-z0-9._:~-]{1,255}$/;

/**
 * The value of the header for one call: one line of JSON in ASCII, of at most 6 KB, without personal data. The names come from the
 * account's settings, where they are checked.
 */
export const integrationMetadataOf = (
  { integrator, originators = [] }: Pick<KlarnaCredentials, 'integrator' | 'originators'>,
  sessionId?: SessionId,
): string =>
  JSON.stringify({
    integrator: {
      name: integrator ?? productName,
      session_reference:
        sessionId !== undefined && sessionReferencePattern.test(sessionId) ? sessionId : undefined,
      module_name: productName,
      module_version: productVersion,
    },
    originators: originators.length > 0 ? originators.map(partyOf) : undefined,
  });

const partyOf = ({ name, moduleName, moduleVersion }: IntegrationParty) => ({
  name,
  module_name: moduleName,
  module_version: moduleVersion,
});
