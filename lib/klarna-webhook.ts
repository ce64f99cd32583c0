import { type FunctionUrl, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { LapseFunction } from './lapse-function.ts';

/** The address that Klarna's webhooks come to: open to the world, since Klarna signs what it sends and nothing else. */
export class KlarnaWebhook extends Construct {
  readonly url: FunctionUrl;

  constructor(scope: Construct, id: string, receive: LapseFunction) {
    super(scope, id);
    this.url = receive.live.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
  }
}
