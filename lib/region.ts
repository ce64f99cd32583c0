import { Token } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';

/** Throws a sentence when the Region is none of AWS's. One that is not known before the deployment is let through. */
export function checkRegion(region: string): void {
  const known = RegionInfo.regions.map(({ name }) => name);
  if (Token.isUnresolved(region) || known.includes(region)) return;
  throw new Error(`region is ${region}; allowed: a Region of AWS, such as eu-west-1 or us-east-1.`);
}
