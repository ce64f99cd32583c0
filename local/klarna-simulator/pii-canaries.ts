/**
 * The customer's data in a completed Payment Request. They are invented and occur nowhere else, not in a number either. A test searches logs,
 * tables, events and queues for them, and so proves that none of it is stored.
 */
export const piiCanaries = {
  givenName: 'Kanariefågel',
  familyName: 'Simulatorsson',
  email: 'kanariefagel.simulatorsson@example.com',
  phone: '+46700000917',
  streetAddress: 'Burgatan 4711',
  postalCode: 'KF-999 17',
  city: 'Gruvberget-Simulatorsta',
  sessionToken: 'krn:network:eu1:test:session-token:canary-8d41f0a2',
} as const;

/** The customer and the token in Klarna's objects, once a request is COMPLETED. */
export const completedContext = {
  klarna_network_session_token: piiCanaries.sessionToken,
  klarna_customer: {
    customer_profile: {
      given_name: piiCanaries.givenName,
      family_name: piiCanaries.familyName,
      email: piiCanaries.email,
      phone: piiCanaries.phone,
      address: {
        street_address: piiCanaries.streetAddress,
        postal_code: piiCanaries.postalCode,
        city: piiCanaries.city,
        country: 'SE',
      },
    },
  },
} as const;
