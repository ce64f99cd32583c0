import { Token } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';

/** Throws when the Region is not one of AWS's. A Region that is known only at deploy time passes. */
export function checkRegion(region: string): void {
  const known = RegionInfo.regions.map(({ name }) => name);
  if (Token.isUnresolved(region) || known.includes(region)) return;
  throw new Error(`region is ${region}; allowed: a Region of AWS, such as eu-west-1 or us-east-1.`);
}
