/** A resource of a CloudFormation template. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, Resource>>;

/** Where the stack stands as far as its template is concerned. */
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
 * What CloudFormation would put in the place of `Ref`, `Fn::GetAtt`, `Fn::Join`, `Fn::Sub`, `Fn::Select` and `Fn::Split`.
 * Resources without a name of their own are named by their logical id, so the names of a template never change
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html).
 */
export function createResolver(resources: Resources, surroundings: Surroundings): Resolve {
  const { region, accountId, stackName, awsUrl } = surroundings;
  const pseudoParameters: Readonly<Record<string, unknown>> = {
    'AWS::Region': region,
    'AWS::AccountId': accountId,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::NoValue': undefined,
  };

  const arn = (service: string, rest: string): string => `arn:aws:${service}:${region}:${accountId}:${rest}`;

  const named = (id: string): Resource => {
    const resource = resources[id];
    if (!resource) throw new Error(`The template refers to ${id}, which it does not have.`);
    return resource;
  };
  const nameOf = (id: string, property: string): string => {
    const name = resolve(named(id).Properties?.[property]);
    return typeof name === 'string' ? name : id;
  };
  const arnOf = (id: string): string => {
    const { Type: type, Properties: properties = {} } = named(id);
    switch (type) {
      case 'AWS::Lambda::Function':
        return arn('lambda', `function:${functionName(named(id), id)}`);
      case 'AWS::Lambda::Alias':
        return `${functionArn(properties['FunctionName'])}:${String(properties['Name'])}`;
      case 'AWS::Lambda::Version':
        return `${functionArn(properties['FunctionName'])}:1`;
      case 'AWS::SQS::Queue':
        return arn('sqs', nameOf(id, 'QueueName'));
      case 'AWS::DynamoDB::GlobalTable':
        return arn('dynamodb', `table/${nameOf(id, 'TableName')}`);
      case 'AWS::SecretsManager::Secret':
        return arn('secretsmanager', `secret:${nameOf(id, 'Name')}`);
      case 'AWS::Events::EventBus':
        return arn('events', `event-bus/${nameOf(id, 'Name')}`);
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${accountId}:role/${nameOf(id, 'RoleName')}`;
      default:
        return arn('cloudformation', `${type.replaceAll('::', '-').toLowerCase()}/${id}`);
    }
  };
  const functionArn = (name: unknown): string => {
    const resolved = resolve(name);
    return arn('lambda', `function:${String(resolved)}`);
  };

  const reference = (id: string): unknown => {
    if (id in pseudoParameters) return pseudoParameters[id];
    switch (named(id).Type) {
      case 'AWS::Lambda::Function':
        return functionName(named(id), id);
      case 'AWS::Lambda::Alias':
      case 'AWS::Lambda::Version':
      case 'AWS::SecretsManager::Secret':
        return arnOf(id);
      case 'AWS::SQS::Queue':
        return `${awsUrl}/${accountId}/${nameOf(id, 'QueueName')}`;
      case 'AWS::DynamoDB::GlobalTable':
        return nameOf(id, 'TableName');
      default:
        return nameOf(id, 'Name');
    }
  };
  const attribute = (id: string, name: string): unknown => {
    switch (name) {
      case 'Arn':
      case 'AliasArn':
        return arnOf(id);
      case 'StreamArn':
        return `${arnOf(id)}/stream/local`;
      case 'QueueName':
      case 'Name':
        return nameOf(id, name);
      case 'Version':
        return '1';
      default:
        return `${id}.${name}`;
    }
  };
  const substitute = (text: string, values: Readonly<Record<string, unknown>>): string =>
    text.replace(/\$\{([^!}][^}]*)\}/g, (_, key: string) => {
      if (key in values) return String(resolve(values[key]));
      const [id = '', name] = key.split(/\.(.*)/s);
      return String(name === undefined ? reference(id) : attribute(id, name));
    });

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[key, argument] = ['', undefined]] = entries;
    if (entries.length !== 1 || !(key === 'Ref' || key.startsWith('Fn::'))) {
      return Object.fromEntries(entries.map(([name, inner]) => [name, resolve(inner)]));
    }
    const given = argument as never;
    switch (key) {
      case 'Ref':
        return reference(given);
      case 'Fn::GetAtt':
        return attribute(...(given as [string, string]));
      case 'Fn::Join': {
        const [separator, parts] = given as [string, unknown];
        return (resolve(parts) as unknown[]).map(String).join(separator);
      }
      case 'Fn::Split': {
        const [separator, text] = given as [string, unknown];
        return String(resolve(text)).split(separator);
      }
      case 'Fn::Select': {
        const [index, list] = given as [number | string, unknown];
        return (resolve(list) as unknown[])[Number(index)];
      }
      case 'Fn::Sub':
        return typeof argument === 'string'
          ? substitute(argument, {})
          : substitute(...(given as [string, Record<string, unknown>]));
      default:
        throw new Error(`The template uses ${key}, which the local system does not know.`);
    }
  }
  return resolve;
}

/** A function's name in the project is its description: its physical name is CloudFormation's to choose. */
const functionName = (resource: Resource, id: string): string => {
  const description = resource.Properties?.['Description'];
  return typeof description === 'string' ? description : id;
};
