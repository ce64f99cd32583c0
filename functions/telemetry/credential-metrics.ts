import { count, warn } from './telemetry.ts';

/** Tells of a certificate that ends soon, as a fault that the operator must correct. */
export function tellCertificate(credential: string, daysLeft: number): void {
  count('ConfigurationFault');
  warn('credential.certificate', {
    fault: 'misconfigured',
    credential,
    days_left: Math.floor(daysLeft * 100) / 100,
  });
}
