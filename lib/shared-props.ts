import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { FunctionName } from '../functions/contract/function-name.ts';
import type { FunctionNetwork } from './function-network.ts';
import type { ResolvedSettings } from './resolve-settings.ts';

/** What every capability of Lapse is built with. */
export interface SharedProps {
  /** The name of this Lapse, which no other one of the account and Region has: at most 55 characters. */
  readonly name: string;
  readonly settings: ResolvedSettings;
  /** The folder of each function's bundle. */
  readonly bundles: Readonly<Record<FunctionName, string>>;
  /** Encrypts what Lapse creates. Undefined: keys that AWS owns. */
  readonly encryptionKey: IKey | undefined;
  /** Undefined: the functions run in Lambda's own network. */
  readonly network: FunctionNetwork | undefined;
  /** Every alarm notifies this topic. */
  readonly alarmTopic: ITopic;
}
