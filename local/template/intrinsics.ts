/** A resource of a CloudFormation template. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

/** The stack's surroundings, as its template refers to them. */
export interface Surroundings {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
  /** The endpoint of the local AWS server: queue URLs begin with it. */
  readonly awsUrl: string;
}

/** Resolves every intrinsic function in a value of the template; throws on one that it does not know. */
export type Resolve = (value: unknown) => unknown;

/**
 * Resolves `Ref`, `Fn::GetAtt`, `Fn::Join`, `Fn::Sub`, `Fn::Select` and `Fn::Split` as CloudFormation does.
 * A resource without a name of its own is named by its logical id, so the names of a template never change
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html).
 */
export function createResolver(resources: Resources, surroundings: Surroundings): Resolve {
  const template = new Template(resources, surroundings);
  return (value) => template.resolve(value);
}

class Template {
  readonly #resources: Resources;
  readonly #surroundings: Surroundings;
  readonly #pseudoParameters: Readonly<Record<string, unknown>>;

  constructor(resources: Resources, surroundings: Surroundings) {
    this.#resources = resources;
    this.#surroundings = surroundings;
    this.#pseudoParameters = {
      'AWS::Region': surroundings.region,
      'AWS::AccountId': surroundings.accountId,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': surroundings.stackName,
      'AWS::NoValue': undefined,
    };
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.resolve(each));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[key, argument] = ['', undefined]] = entries;
    if (entries.length !== 1 || !(key === 'Ref' || key.startsWith('Fn::'))) {
      return Object.fromEntries(entries.map(([name, inner]) => [name, this.resolve(inner)]));
    }
    return this.#intrinsic(key, argument);
  }

  #intrinsic(key: string, argument: unknown): unknown {
    const given = argument as never;
    switch (key) {
      case 'Ref':
        return this.#reference(given);
      case 'Fn::GetAtt':
        return this.#attribute(...(given as [string, string]));
      case 'Fn::Join': {
        const [separator, parts] = given as [string, unknown];
        return (this.resolve(parts) as unknown[]).map(String).join(separator);
      }
      case 'Fn::Split': {
        const [separator, text] = given as [string, unknown];
        return String(this.resolve(text)).split(separator);
      }
      case 'Fn::Select': {
        const [index, list] = given as [number | string, unknown];
        return (this.resolve(list) as unknown[])[Number(index)];
      }
      case 'Fn::Sub':
        return typeof argument === 'string'
          ? this.#substitute(argument, {})
          : this.#substitute(...(given as [string, Record<string, unknown>]));
      default:
        throw new Error(`The template uses ${key}, which the local system does not support.`);
    }
  }

  #named(id: string): Resource {
    const resource = this.#resources[id];
    if (!resource) throw new Error(`The template refers to ${id}, which it does not have.`);
    return resource;
  }

  #nameOf(id: string, property: string): string {
    const name = this.resolve(this.#named(id).Properties?.[property]);
    return typeof name === 'string' ? name : id;
  }

  #arn(service: string, rest: string): string {
    const { region, accountId } = this.#surroundings;
    return `arn:aws:${service}:${region}:${accountId}:${rest}`;
  }

  #functionArn(name: unknown): string {
    return this.#arn('lambda', `function:${String(this.resolve(name))}`);
  }

  #arnOf(id: string): string {
    const { Type: type, Properties: properties = {} } = this.#named(id);
    switch (type) {
      case 'AWS::Lambda::Function':
        return this.#arn('lambda', `function:${functionName(this.#named(id), id)}`);
      case 'AWS::Lambda::Alias':
        return `${this.#functionArn(properties['FunctionName'])}:${String(properties['Name'])}`;
      case 'AWS::Lambda::Version':
        return `${this.#functionArn(properties['FunctionName'])}:1`;
      case 'AWS::SQS::Queue':
        return this.#arn('sqs', this.#nameOf(id, 'QueueName'));
      case 'AWS::DynamoDB::GlobalTable':
        return this.#arn('dynamodb', `table/${this.#nameOf(id, 'TableName')}`);
      case 'AWS::SecretsManager::Secret':
        return this.#arn('secretsmanager', `secret:${this.#nameOf(id, 'Name')}`);
      case 'AWS::Events::EventBus':
        return this.#arn('events', `event-bus/${this.#nameOf(id, 'Name')}`);
      case 'AWS::Events::Rule':
        return this.#arn('events', `rule/${this.#nameOf(id, 'Name')}`);
      case 'AWS::Events::ApiDestination':
        return this.#arn('events', `api-destination/${this.#nameOf(id, 'Name')}`);
      case 'AWS::SNS::Topic':
        return this.#arn('sns', this.#nameOf(id, 'TopicName'));
      case 'AWS::Logs::LogGroup':
        return this.#arn('logs', `log-group:${this.#nameOf(id, 'LogGroupName')}:*`);
      case 'AWS::Scheduler::ScheduleGroup':
        return this.#arn('scheduler', `schedule-group/${this.#nameOf(id, 'Name')}`);
      case 'AWS::KMS::Key':
        return this.#arn('kms', `key/${id}`);
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${this.#surroundings.accountId}:role/${this.#nameOf(id, 'RoleName')}`;
      default:
        return this.#arn('cloudformation', `${type.replaceAll('::', '-').toLowerCase()}/${id}`);
    }
  }

  #reference(id: string): unknown {
    if (id in this.#pseudoParameters) return this.#pseudoParameters[id];
    switch (this.#named(id).Type) {
      case 'AWS::Lambda::Function':
        return functionName(this.#named(id), id);
      case 'AWS::Lambda::Alias':
      case 'AWS::Lambda::Version':
      case 'AWS::SecretsManager::Secret':
      case 'AWS::SNS::Topic':
        return this.#arnOf(id);
      case 'AWS::SQS::Queue': {
        const { awsUrl, accountId } = this.#surroundings;
        return `${awsUrl}/${accountId}/${this.#nameOf(id, 'QueueName')}`;
      }
      case 'AWS::DynamoDB::GlobalTable':
        return this.#nameOf(id, 'TableName');
      default:
        return this.#nameOf(id, 'Name');
    }
  }

  #attribute(id: string, name: string): unknown {
    switch (name) {
      case 'Arn':
      case 'AliasArn':
      case 'ArnForPolicy':
        return this.#arnOf(id);
      case 'StreamArn':
        return `${this.#arnOf(id)}/stream/local`;
      case 'QueueName':
      case 'Name':
        return this.#nameOf(id, name);
      case 'Version':
        return '1';
      default:
        return `${id}.${name}`;
    }
  }

  #substitute(text: string, values: Readonly<Record<string, unknown>>): string {
    return text.replace(/\$\{([^!}][^}]*)\}/g, (_, key: string) => {
      if (key in values) return String(this.resolve(values[key]));
      const [id = '', name] = key.split(/\.(.*)/s);
      return String(name === undefined ? this.#reference(id) : this.#attribute(id, name));
    });
  }
}

/** A function's name in the project is its description, because CloudFormation chooses the physical name. */
const functionName = (resource: Resource, id: string): string => {
  const description = resource.Properties?.['Description'];
  return typeof description === 'string' ? description : id;
};
