import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Lapse, type LapseProps } from './lapse.ts';
import { lapsePropNames } from './lapse-props.ts';

/** The properties of any stack, and those of Lapse. */
export interface LapseStackProps extends StackProps {
  /**
   * Your own resources for Lapse to use, and its settings.
   * @default - everything is created, with the default settings
   */
  readonly lapse?: LapseProps;
}

/** Lapse in its own stack, with outputs. */
export class LapseStack extends Stack {
  readonly lapse: Lapse;

  constructor(scope: Construct, id: string, { lapse, ...props }: LapseStackProps = {}) {
    super(scope, id, props);
    const misplaced = Object.keys(props).filter((name) => lapsePropNames.includes(name));
    if (misplaced.length > 0)
      throw new Error(
        `${misplaced.join(', ')} stands beside the properties of the stack; allowed: inside \`lapse\`.`,
      );
    // The id `Default` adds nothing to logical ids.
    this.lapse = new Lapse(this, 'Default', lapse);
    this.lapse.addOutputs();
  }
}
