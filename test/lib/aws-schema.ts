import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import type { PropertyType, ResourceProperties, SpecDatabase } from '@aws-cdk/service-spec-types';
import type { Synthesized } from './synthesized.ts';

/** Reading it takes almost a second. */
let loading: Promise<SpecDatabase> | undefined;

/**
 * Compares resources with AWS's own description of its resource types, offline. It finds unknown types, properties and fields,
 * missing required ones, and values of the wrong kind (https://github.com/cdklabs/awscdk-service-spec).
 */
export async function schemaFindings(resources: readonly Synthesized[]): Promise<readonly string[]> {
  const database = await (loading ??= loadAwsServiceSpec());
  return resources.flatMap(({ id, type, properties }) => {
    const [described] = database.lookup('resource', 'cloudFormationType', 'equals', type);
    if (!described) return [`${id}: the type ${type} does not exist`];
    return objectFindings(database, described.properties, properties, `${id} (${type})`);
  });
}

function objectFindings(
  database: SpecDatabase,
  described: ResourceProperties,
  given: Readonly<Record<string, unknown>>,
  path: string,
): readonly string[] {
  const missing = Object.entries(described)
    .filter(([name, { required }]) => required === true && given[name] === undefined)
    .map(([name]) => `${path}.${name} is required and missing`);
  const wrong = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => {
      const property = described[name];
      if (!property) return [`${path}.${name} does not exist`];
      const types = [property.type, ...(property.previousTypes ?? [])];
      const findings = types.map((type) => valueFindings(database, type, value, `${path}.${name}`));
      return findings.find((each) => each.length === 0) ?? findings[0] ?? [];
    });
  return [...missing, ...wrong];
}

function valueFindings(
  database: SpecDatabase,
  type: PropertyType,
  value: unknown,
  path: string,
): readonly string[] {
  const expected = (kind: string, holds: boolean): readonly string[] =>
    holds ? [] : [`${path} is ${JSON.stringify(value)}; expected: ${kind}`];
  switch (type.type) {
    case 'string':
    case 'date-time':
      return expected('a string', typeof value === 'string');
    case 'number':
      return expected('a number', typeof value === 'number');
    case 'integer':
      return expected('a whole number', Number.isInteger(value));
    case 'boolean':
      return expected('a boolean', typeof value === 'boolean');
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((element, index) =>
            valueFindings(database, type.element, element, `${path}.${index}`),
          )
        : expected('a list', false);
    case 'map':
      return isObject(value)
        ? Object.entries(value).flatMap(([key, element]) =>
            valueFindings(database, type.element, element, `${path}.${key}`),
          )
        : expected('a map', false);
    case 'ref':
      return isObject(value)
        ? objectFindings(
            database,
            database.get('typeDefinition', type.reference.$ref).properties,
            value,
            path,
          )
        : expected('an object', false);
    case 'union': {
      const findings = type.types.map((each) => valueFindings(database, each, value, path));
      return findings.some((each) => each.length === 0) ? [] : (findings[0] ?? []);
    }
    case 'tag':
    case 'json':
    case 'null':
      return [];
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
