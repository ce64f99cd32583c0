import { Stack } from 'aws-cdk-lib';
import { CfnGlobalTable, CfnTable, type ITable } from 'aws-cdk-lib/aws-dynamodb';
import { tableIndexes, tableSchema } from '../functions/contract/table-schema.ts';

/** The properties of a table that Lapse depends on, as CloudFormation has them. */
interface TableProperties {
  readonly attributeDefinitions?: readonly {
    readonly attributeName: string;
    readonly attributeType: string;
  }[];
  readonly keySchema?: readonly KeyPart[];
  readonly globalSecondaryIndexes?: readonly {
    readonly indexName: string;
    readonly keySchema: readonly KeyPart[];
  }[];
  readonly streamSpecification?: { readonly streamViewType?: string };
  readonly timeToLiveSpecification?: { readonly attributeName?: string; readonly enabled: boolean };
}

interface KeyPart {
  readonly attributeName: string;
  readonly keyType: string;
}

/**
 * What is wrong with your table, a sentence each. Of an imported table nothing is known at synth but its stream, so nothing else is
 * checked.
 */
export function tableProblems(table: ITable): readonly string[] {
  if (table.tableStreamArn === undefined) return [noStream];
  const child = table.node.defaultChild;
  if (!(child instanceof CfnGlobalTable || child instanceof CfnTable)) return [];
  const { partitionKey, timeToLive } = tableSchema;
  const properties = propertiesOf(child);
  const expiry = properties.timeToLiveSpecification;
  return [
    ...keyProblems('table', properties.keySchema, [partitionKey], properties),
    ...tableIndexes.flatMap(({ name, partitionKey: first, sortKey: second }) => {
      const index = properties.globalSecondaryIndexes?.find(({ indexName }) => indexName === name);
      return index
        ? keyProblems(`the index ${name} of table`, index.keySchema, [first, second], properties)
        : [`table has no index ${name}; allowed: a table with the indexes ${indexNames}.`];
    }),
    ...streamProblems(properties.streamSpecification?.streamViewType),
    ...(expiry?.enabled === true && expiry.attributeName === timeToLive
      ? []
      : [
          `the time to live of table is ${expiry?.attributeName ?? 'off'}; allowed: the attribute ${timeToLive}.`,
        ]),
  ];
}

const indexNames = tableIndexes.map(({ name }) => name).join(', ');
const noStream = 'table has no stream; allowed: a table with a stream of NEW_IMAGE or NEW_AND_OLD_IMAGES.';

function streamProblems(viewType: string | undefined): readonly string[] {
  if (viewType === undefined) return [noStream];
  return viewType === 'NEW_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES'
    ? []
    : [`the stream of table has ${viewType}; allowed: NEW_IMAGE or NEW_AND_OLD_IMAGES.`];
}

function propertiesOf(table: CfnGlobalTable | CfnTable): TableProperties {
  const {
    attributeDefinitions,
    keySchema,
    globalSecondaryIndexes,
    streamSpecification,
    timeToLiveSpecification,
  } = table;
  return Stack.of(table).resolve({
    attributeDefinitions,
    keySchema,
    globalSecondaryIndexes,
    streamSpecification,
    timeToLiveSpecification,
  }) as TableProperties;
}

/** A key has to consist of these attributes, in this order and all of text. */
function keyProblems(
  what: string,
  given: readonly KeyPart[] | undefined,
  wanted: readonly string[],
  { attributeDefinitions = [] }: TableProperties,
): readonly string[] {
  const typed = (given ?? []).map(({ attributeName }) => {
    const type = attributeDefinitions.find((each) => each.attributeName === attributeName)?.attributeType;
    return `${attributeName} (${type ?? '?'})`;
  });
  const allowed = wanted.map((attribute) => `${attribute} (S)`).join(', ');
  return typed.join(', ') === allowed
    ? []
    : [`the key of ${what} is ${typed.join(', ')}; allowed: ${allowed}.`];
}
