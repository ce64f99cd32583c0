import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { checkedJson } from '../../local/shared/checked-json.ts';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type Emulator, region } from './emulator.ts';
import type { PythonEnvironment } from '../support/python-environment.ts';
import { reachableAt } from './reachable.ts';
import { runProgram } from '../support/run-program.ts';
import type { Stage } from './stage.ts';

const text = v.pipe(v.string(), v.minLength(1));

const outputsSchema = v.object({
  ApiUrl: text,
  WebhookUrl: text,
  AccountsSecretName: text,
  SigningKeysSecretName: text,
  EventBusName: text,
});

const resourceSchema = v.object({ ResourceType: text, PhysicalResourceId: text, ResourceStatus: text });

type Outputs = v.InferOutput<typeof outputsSchema>;

const outputFileSchema = v.record(text, v.record(text, text));

/** The archive of the events of one type: since when it has them, and the outputs of the stack with it. */
export interface Archived {
  readonly type: string;
  readonly since: string;
  readonly outputsFile: string;
}

/** What a deployment works with. */
export interface DeploymentParts {
  readonly stage: Stage;
  readonly emulator: Emulator;
  readonly python: PythonEnvironment;
  readonly klarnaUrl: string;
  /** For the files of this stage. */
  readonly folder: string;
}

/** One stage on the emulator, handled as docs/get-started/deploy.md says, by the real CDK and AWS command lines. */
export class Deployment {
  readonly #parts: DeploymentParts;

  constructor(parts: DeploymentParts) {
    this.#parts = parts;
  }

  /** Deploys, and returns the number of resources. */
  async deploy(isChanged = false): Promise<number> {
    const { folder } = this.#parts;
    await mkdir(folder, { recursive: true });
    const outputs = ['--outputs-file', join(folder, 'outputs.json')];
    await this.#cdk(['deploy', '--require-approval', 'never', ...outputs], isChanged);
    const resources = await this.#resources();
    const incomplete = resources.filter(({ ResourceStatus }) => !ResourceStatus.endsWith('_COMPLETE'));
    if (incomplete.length > 0) throw new Error(`${incomplete.length} resources are not complete.`);
    return resources.length;
  }

  /** Stores the secrets, and subscribes the webhook at Klarna. Writes the file that `TARGET` names, and returns its path. */
  async connect(): Promise<string> {
    const { stage, klarnaUrl, folder } = this.#parts;
    const outputs = await this.#outputs();
    const { demo } = defaultAccounts;
    const accounts = { demo: { ...demo, environment: 'test' } };
    const signingKey = await this.#atKlarna(
      'signing-keys',
      undefined,
      v.object({ signing_key_id: text, signing_key: text }),
    );
    const { ApiUrl: api, WebhookUrl: webhook } = reachableAt(this.#parts.emulator.url, outputs);
    await this.#putSecret(outputs.AccountsSecretName, 'accounts.json', accounts);
    await this.#putSecret(outputs.SigningKeysSecretName, 'signing-keys.json', {
      [signingKey.signing_key_id]: {
        key: signingKey.signing_key,
        live: false,
        accounts: { [demo.partner_account_id]: 'demo' },
      },
    });
    await this.#atKlarna(
      'webhooks',
      {
        url: webhook,
        event_types: ['payment.request.*'],
        event_version: 'v2',
        signing_key_id: signingKey.signing_key_id,
        status: 'ENABLED',
      },
      v.object({ webhook_id: text }),
    );
    const file = join(folder, 'target.json');
    const target = {
      api,
      webhook,
      region,
      account: 'demo',
      subject_account_id: demo.partner_account_id,
      signing_key_id: signingKey.signing_key_id,
      signing_key: signingKey.signing_key,
      klarna_simulator: klarnaUrl,
      events_queue: await this.#openInbox(outputs.EventBusName),
      ...(stage.token !== undefined && { bearer_token: stage.token }),
    };
    await writeFile(file, JSON.stringify(target), { mode: 0o600 });
    return file;
  }

  /**
   * Makes an archive of the events of this type. The emulator's CloudFormation has none, so AWS's command line does what the setting
   * `archiveDays` does.
   */
  async archive(type: string): Promise<Archived> {
    const { stage, folder } = this.#parts;
    const outputs = await this.#outputs();
    const busArn = `arn:aws:events:${region}:000000000000:event-bus/${outputs.EventBusName}`;
    const pattern = JSON.stringify({ source: ['lapse'], 'detail-type': [type] });
    const named = ['--archive-name', `${stage.stackName}-archive`, '--retention-days', '1'];
    const { ArchiveArn: arn } = v.parse(
      v.object({ ArchiveArn: text }),
      await this.#aws([
        'events',
        'create-archive',
        ...named,
        '--event-source-arn',
        busArn,
        '--event-pattern',
        pattern,
      ]),
    );
    const since = new Date().toISOString();
    const all = v.parse(outputFileSchema, JSON.parse(await readFile(join(folder, 'outputs.json'), 'utf8')));
    const archives = { EventArchives: `${type}=${arn}`, EventBusArn: busArn };
    const outputsFile = join(folder, 'outputs-with-archive.json');
    await writeFile(
      outputsFile,
      JSON.stringify({ [stage.stackName]: { ...all[stage.stackName], ...archives } }),
    );
    return { type, since, outputsFile };
  }

  /** Throws with the differences, if a deployment would change anything. */
  async expectNoDifferences(): Promise<void> {
    await this.#cdk(['diff', '--fail'], true);
  }

  /** Throws where a function has logged that it was not allowed something. Returns the number of log lines. */
  async expectNoRefusals(): Promise<number> {
    const messages = await this.#logged();
    if (messages.length === 0) throw new Error('The functions have logged nothing, so this shows nothing.');
    const refusals = messages.filter((message) => /AccessDenied|not authorized/.test(message));
    if (refusals.length > 0) throw new Error(`A function was refused: ${refusals.join('\n')}`);
    return messages.length;
  }

  /** The log lines about a failure, oldest first in each function: why a scenario got another response than it expected. */
  async faults(): Promise<readonly string[]> {
    return (await this.#logged()).filter((message) => /"level":"ERROR"|Task timed out/.test(message));
  }

  /** What the functions have logged. */
  async #logged(): Promise<readonly string[]> {
    const logGroups = (await this.#resources()).filter(
      ({ ResourceType }) => ResourceType === 'AWS::Logs::LogGroup',
    );
    const lines = await Promise.all(
      logGroups.map(async ({ PhysicalResourceId: name }) => {
        const { events } = v.parse(
          v.object({ events: v.array(v.object({ message: v.string() })) }),
          await this.#aws(['logs', 'filter-log-events', '--log-group-name', name]),
        );
        return events.map(({ message }) => message);
      }),
    );
    return lines.flat();
  }

  /** Throws where a function's role may do something that its policy does not allow. */
  async expectIamIsEvaluated(): Promise<void> {
    const resources = await this.#resources();
    const idOf = (type: string): string =>
      resources.find(({ ResourceType }) => ResourceType === type)?.PhysicalResourceId ?? '';
    const role = `arn:aws:iam::000000000000:role/${idOf('AWS::IAM::Role')}`;
    const { Credentials: credentials } = v.parse(
      v.object({ Credentials: v.object({ AccessKeyId: text, SecretAccessKey: text, SessionToken: text }) }),
      await this.#aws(['sts', 'assume-role', '--role-arn', role, '--role-session-name', 'outside']),
    );
    const scan = this.#aws(['dynamodb', 'scan', '--table-name', idOf('AWS::DynamoDB::GlobalTable')], {
      AWS_ACCESS_KEY_ID: credentials.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.SecretAccessKey,
      AWS_SESSION_TOKEN: credentials.SessionToken,
    });
    const refusal = await scan.then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (refusal?.includes('AccessDenied') !== true)
      throw new Error(`The emulator does not evaluate IAM: ${refusal ?? `${role} read the whole table`}.`);
  }

  /** Deletes the stack. Throws where a resource is left that should not be, or gone that should be left. */
  async destroy(): Promise<void> {
    const { kept } = this.#parts.stage;
    const before = (await this.#resources()).filter(({ ResourceType }) => ResourceType in listings);
    await this.#cdk(['destroy', '--force'], true);
    for (const [type, listing] of Object.entries(listings)) {
      const listed = JSON.stringify({ listed: await this.#aws(listing) });
      const wrong = before.filter(
        ({ ResourceType, PhysicalResourceId: id }) =>
          ResourceType === type && listed.includes(id) !== kept.includes(type),
      );
      const state = kept.includes(type) ? 'gone' : 'left';
      if (wrong.length > 0)
        throw new Error(
          `${wrong.length} of ${type} are ${state} after cdk destroy: ${wrong[0]?.PhysicalResourceId ?? ''}`,
        );
    }
  }

  async #resources() {
    const { StackResourceSummaries: resources } = v.parse(
      v.object({ StackResourceSummaries: v.array(resourceSchema) }),
      await this.#aws([
        'cloudformation',
        'list-stack-resources',
        '--stack-name',
        this.#parts.stage.stackName,
      ]),
    );
    return resources;
  }

  /** A queue that gets every event of the bus. */
  async #openInbox(bus: string): Promise<string> {
    const { stage } = this.#parts;
    const name = `${stage.stackName}-inbox`;
    const { QueueUrl: url } = v.parse(
      v.object({ QueueUrl: text }),
      await this.#aws(['sqs', 'create-queue', '--queue-name', name]),
    );
    const pattern = JSON.stringify({ source: ['lapse'] });
    const arn = `arn:aws:sqs:${region}:000000000000:${name}`;
    const onBus = ['--event-bus-name', bus];
    await this.#aws(['events', 'put-rule', '--name', name, ...onBus, '--event-pattern', pattern]);
    await this.#aws(['events', 'put-targets', '--rule', name, ...onBus, '--targets', `Id=inbox,Arn=${arn}`]);
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: arn,
        },
      ],
    };
    const attributes = JSON.stringify({ Policy: JSON.stringify(policy) });
    await this.#aws(['sqs', 'set-queue-attributes', '--queue-url', url, '--attributes', attributes]);
    return url;
  }

  async #outputs(): Promise<Outputs> {
    const { folder, stage } = this.#parts;
    const file = join(folder, 'outputs.json');
    const read = checkedJson(v.record(text, outputsSchema), await readFile(file, 'utf8'));
    const outputs = 'value' in read ? read.value[stage.stackName] : undefined;
    if (!outputs) throw new Error(`${file} does not have the outputs of ${stage.stackName}.`);
    return outputs;
  }

  async #putSecret(name: string, fileName: string, value: unknown): Promise<void> {
    const file = join(this.#parts.folder, fileName);
    await writeFile(file, JSON.stringify(value), { mode: 0o600 });
    const secret = ['--secret-id', name, '--secret-string', `file://${file}`];
    await this.#aws(['secretsmanager', 'put-secret-value', ...secret]);
  }

  async #atKlarna<Schema extends v.GenericSchema>(
    resource: string,
    body: unknown,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const response = await fetch(`${this.#parts.klarnaUrl}/v2/notification/${resource}`, {
      method: 'POST',
      headers: { authorization: 'Basic b3V0c2lkZQ==' },
      ...(body !== undefined && {
        headers: { authorization: 'Basic b3V0c2lkZQ==', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (response.status !== 201)
      throw new Error(`Klarna's ${resource}: ${response.status} ${await response.text()}`);
    return v.parse(schema, await response.json());
  }

  async #cdk(parameters: readonly string[], isChanged: boolean): Promise<string> {
    const { stage, emulator, folder } = this.#parts;
    const options = isChanged ? stage.changedOptions : stage.options;
    return runProgram(
      'npx',
      ['cdk', ...parameters, ...options, '--no-notices', '--output', join(folder, 'cdk.out')],
      {
        environment: {
          ...emulator.environment,
          ...(isChanged ? stage.changedEnvironment : stage.environment),
          CDK_DISABLE_CLI_TELEMETRY: 'true',
        },
      },
    );
  }

  async #aws(
    parameters: readonly string[],
    credentials: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const { python, emulator } = this.#parts;
    // Named again: the command line takes it from the environment for most services only.
    const options = ['--endpoint-url', emulator.url, '--output', 'json'];
    const output = await runProgram(python.aws, [...parameters, ...options], {
      environment: { ...emulator.environment, ...credentials },
    });
    return output.trim() === '' ? undefined : (JSON.parse(output) as unknown);
  }
}

/** The calls that list the resources of a type. */
const listings: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::GlobalTable': ['dynamodb', 'list-tables'],
  'AWS::Events::EventBus': ['events', 'list-event-buses'],
  'AWS::IAM::Role': ['iam', 'list-roles'],
  'AWS::Lambda::Function': ['lambda', 'list-functions'],
  'AWS::Logs::LogGroup': ['logs', 'describe-log-groups'],
  'AWS::Scheduler::ScheduleGroup': ['scheduler', 'list-schedule-groups'],
  'AWS::SecretsManager::Secret': ['secretsmanager', 'list-secrets'],
  'AWS::SNS::Topic': ['sns', 'list-topics'],
  'AWS::SQS::Queue': ['sqs', 'list-queues'],
};
