/** The version of Lapse that is deployed. A release sets it; a test compares it with package.json. */
export const productVersion = '0.1.0';
