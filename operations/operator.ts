import { callerOfArn } from '../functions/http/caller.ts';
import type { Target } from './target.ts';

/** Who runs the command, as a record names a caller: the role or user without the name of a session. */
export const operatorOf =
  ({ isLocal, aws }: Target) =>
  async (): Promise<string> => {
    if (isLocal) return 'local:operator';
    const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
    const { Arn: arn = 'unknown' } = await new STSClient(aws).send(new GetCallerIdentityCommand({}));
    return callerOfArn(arn);
  };
