import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { recordOf } from '../functions/contract/record-of.ts';
import manifest from '../package.json' with { type: 'json' };
import { readJson } from '../functions/contract/read-json.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { appFile } from './init-command.ts';
import { rememberStack } from './remembered-stack.ts';
import { runProgram } from './run-program.ts';
import { outputsOfStack, parseOutputs } from './stack-outputs.ts';
import { awsSettingsOf, isMissingStack } from './target.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse deploy`. */
export function addDeployCommand(program: Program, open: Open): void {
  program
    .command('deploy')
    .description('deploy the app of this folder with the CDK, and remember its outputs')
    .argument('[parameters...]', 'more parameters for the CDK, after --')
    .option(
      '--app <command>',
      `the command that makes the app; default: node ${appFile}, else that of cdk.json`,
    )
    .addHelpText(
      'after',
      `
Examples:
  lapse deploy
  lapse deploy --profile shop-test --yes
  lapse deploy --dry-run
  lapse deploy -- -c klarnaUrl=http://127.0.0.1:5300

It prepares the account and the Region for the CDK where that was never done (cdk bootstrap). With --dry-run it prints
what would change (cdk diff). The outputs are in .lapse/stack.json: names and addresses, and no secret.`,
    )
    .action(async (parameters, { app }) => {
      await deploy(open(), parameters, app);
    });
}

async function deploy(
  context: CommandContext,
  parameters: readonly string[],
  app: string | undefined,
): Promise<void> {
  const { options, isDryRun, folder, print } = context;
  if (options.control !== undefined) {
    print.say('A local system has no stack: there is nothing to deploy. Next: lapse connect --control URL');
    return;
  }
  const cdk = cdkOf(folder);
  const run = (...words: readonly string[]) =>
    runProgram(process.execPath, [cdk, ...words, ...profileOf(options.profile)], folder);
  const assembly = join('.lapse', 'cdk.out');
  await mkdir(join(folder, '.lapse'), { recursive: true });
  // What is in there can be made again.
  await writeFile(join(folder, '.lapse', '.gitignore'), '*\n');
  print.say('Building the template …');
  await run('synth', '--quiet', '--output', assembly, ...appOption(folder, app), ...parameters);
  const stack = await chooseStack(join(folder, assembly), options.stack);
  if (isDryRun) {
    await run('diff', '--app', assembly, stack.name);
    return;
  }
  const region = stack.region ?? options.region;
  if (!(await isBootstrapped(context, region))) {
    if (
      !(await context.confirm(
        'The CDK was never used in this account and Region. Prepare it (cdk bootstrap)?',
      ))
    )
      throw new UsageError('Nothing was deployed.');
    await run('bootstrap', '--app', assembly);
  }
  const file = join('.lapse', 'outputs.json');
  const approval = options.yes ? 'never' : 'broadening';
  await run('deploy', '--app', assembly, stack.name, '--outputs-file', file, '--require-approval', approval);
  const raw = outputsOfStack(readJson(await readFile(join(folder, file), 'utf8')), file, stack.name);
  const outputs = parseOutputs(raw, `The stack ${stack.name}`, options.prefix);
  const deployedTo = outputs.AwsRegion ?? region;
  if (deployedTo === undefined)
    throw new UsageError(`The Region of ${stack.name} is not known. Give --region.`);
  await rememberStack(folder, {
    stack: stack.name,
    region: deployedTo,
    ...(options.profile !== undefined && { profile: options.profile }),
    outputs: raw,
  });
  print.result(
    { stack: stack.name, region: deployedTo, api_url: outputs.ApiUrl, webhook_url: outputs.WebhookUrl },
    `Deployed ${stack.name} to ${deployedTo}.\n  API      ${outputs.ApiUrl}\n  webhooks ${outputs.WebhookUrl}`,
  );
  print.say(
    'Next: npx lapse connect --credential <name> --env test --partner-account <account id at Klarna>',
  );
}

const profileOf = (profile: string | undefined): readonly string[] =>
  profile === undefined ? [] : ['--profile', profile];

/** The app that `lapse init` wrote comes before that of cdk.json, which may be the app of something else. */
function appOption(folder: string, app: string | undefined): readonly string[] {
  if (app !== undefined) return ['--app', app];
  if (existsSync(join(folder, appFile))) return ['--app', `node ${appFile}`];
  if (existsSync(join(folder, 'cdk.json'))) return [];
  throw new UsageError(`There is no ${appFile} and no cdk.json in this folder. Run \`lapse init\` first.`);
}

/** The CDK's own program, as the folder has it installed. */
function cdkOf(folder: string): string {
  try {
    const file = createRequire(join(folder, 'package.json')).resolve('aws-cdk/package.json');
    return join(dirname(file), 'bin', 'cdk');
  } catch (error) {
    throw new UsageError(
      `The package aws-cdk is not installed here. Run npm install --save-dev aws-cdk@${manifest.devDependencies['aws-cdk']}`,
      { cause: error },
    );
  }
}

const assemblySchema = v.object({
  artifacts: recordOf(
    v.string(),
    v.object({
      type: v.string(),
      environment: v.optional(v.string()),
      properties: v.optional(v.object({ stackName: v.optional(v.string()) })),
    }),
  ),
});

interface Stack {
  readonly name: string;
  readonly region: string | undefined;
}

/** The stack to deploy: the only one of the assembly, or the named one. */
async function chooseStack(assembly: string, name: string | undefined): Promise<Stack> {
  const file = join(assembly, 'manifest.json');
  const parsed = v.safeParse(assemblySchema, readJson(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} cannot be read. Is the version of aws-cdk too new?`);
  const stacks = Object.entries(parsed.output.artifacts)
    .filter(([, { type }]) => type === 'aws:cloudformation:stack')
    .map(([id, { environment, properties }]) => ({
      name: properties?.stackName ?? id,
      region: /^aws:\/\/[^/]+\/([a-z0-9-]+)$/.exec(environment ?? '')?.[1],
    }));
  const [first, second] = stacks;
  const chosen = name === undefined && !second ? first : stacks.find((stack) => stack.name === name);
  if (!chosen)
    throw new UsageError(
      `--stack is ${name ?? 'missing'}; allowed: ${stacks.map((stack) => stack.name).join(', ') || 'none, the app has no stack'}.`,
    );
  return { ...chosen, region: chosen.region === 'unknown-region' ? undefined : chosen.region };
}

/** Whether the CDK's own stack is there. https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping.html */
async function isBootstrapped({ options }: CommandContext, region: string | undefined): Promise<boolean> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(awsSettingsOf({ ...options, region: region ?? options.region }));
  try {
    await client.send(new DescribeStacksCommand({ StackName: 'CDKToolkit' }));
    return true;
  } catch (error) {
    if (isMissingStack(error)) return false;
    throw error;
  }
}
