/** Who may import whom. Prose: docs/reference/architecture.md. */
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true }, 'A cycle has no reading order.'),
    rule('no-unresolved', {}, { couldNotResolve: true }, 'Every import resolves.'),
    rule(
      'domain-is-pure',
      { path: '^functions/domain/' },
      { pathNot: '^functions/domain/' },
      'The domain imports nothing outside itself.',
    ),
    rule(
      'application-sees-domain-and-ports',
      { path: '^functions/application/' },
      { pathNot: '^functions/(domain|application)/' },
      'Use cases reach the world through ports only.',
    ),
    rule(
      'adapters-see-ports',
      { path: '^functions/adapters/([^/]+)/' },
      {
        path: '^(functions|lib|local|test|bin)/',
        pathNot: ['^functions/domain/', '^functions/application/ports\\.ts$', '^functions/adapters/$1/'],
      },
      'An adapter knows ports, the domain and its own vendor.',
    ),
    rule(
      'only-build-adapters-builds-adapters',
      {
        path: '^functions/',
        pathNot: ['^functions/runtime/build-adapters\\.ts$', '^functions/adapters/'],
      },
      { path: '^functions/adapters/' },
      'One place builds adapters and clients.',
    ),
    rule(
      'functions-stand-alone',
      { path: '^functions/' },
      { path: '^(lib|local|test|bin|bench|operations)/' },
      'Shipped code imports shipped code only.',
    ),
    rule(
      'lib-shares-environment-and-table',
      { path: '^lib/' },
      {
        path: '^functions/',
        pathNot: [
          '^functions/runtime/(environment|metric-names)\\.ts$',
          '^functions/adapters/dynamodb/table-schema\\.ts$',
        ],
      },
      'lib takes the types of the environment and of the metrics and the schema of the table, nothing else.',
    ),
    rule(
      'nobody-ships-local-or-test',
      { path: '^(functions|lib)/|^bin/app\\.ts$' },
      { path: '^(local|test|bench)/' },
      'Stand-ins and tests are never shipped.',
    ),
    rule(
      'the-client-stands-alone',
      { path: '^client/' },
      { path: '^(bin|functions|lib|local|operations|test|bench)/' },
      'Whoever calls the API needs nothing of what serves it.',
    ),
    rule(
      'operations-work-on-the-deployed',
      { path: '^operations/' },
      { path: '^(lib|local|test|bench)/' },
      'The command line works on a deployed stack, by the use cases and adapters that run in it.',
    ),
    rule(
      'no-dev-dependencies-shipped',
      { path: '^functions/' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
      'A bundle holds dependencies only.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(cdk\\.out|\\.cache|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
