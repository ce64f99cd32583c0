import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { ResolvedSettings } from './resolve-settings.ts';

/** What every capability of Lapse is built with. */
export interface SharedProps {
  /** The name of this Lapse, which no other one of the account and Region has. */
  readonly name: string;
  readonly settings: ResolvedSettings;
  /** The folder of each function's bundle. */
  readonly bundles: Readonly<Record<FunctionName, string>>;
  /** Encrypts the table, the queues and the secrets. Undefined: keys that AWS owns. */
  readonly encryptionKey: IKey | undefined;
  /** Every alarm notifies this topic. */
  readonly alarmTopic: ITopic;
}
