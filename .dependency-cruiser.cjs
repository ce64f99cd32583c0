/** Which folder may import which. docs/reference/architecture.md explains it. */
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
        pathNot: [
          '^functions/(domain|contract)/',
          '^functions/application/ports\\.ts$',
          '^functions/adapters/$1/',
        ],
      },
      'An adapter knows ports, the domain and its own vendor.',
    ),
    rule(
      'contract-imports-types',
      { path: '^functions/contract/' },
      { pathNot: ['^functions/contract/'], dependencyTypesNot: ['type-only', 'npm', 'npm-dev'] },
      'What lib shares with the functions imports types only.',
    ),
    rule(
      'composition-builds-adapters',
      { path: '^functions/', pathNot: ['^functions/(composition|adapters)/'] },
      { path: '^functions/adapters/' },
      'Composition is the one place that builds adapters and clients.',
    ),
    rule(
      'composition-primes',
      { path: '^functions/', pathNot: ['^functions/(composition|cold-start)/'] },
      { path: '^functions/cold-start/' },
      'Composition alone knows what runs before the first event.',
    ),
    rule(
      'functions-stand-alone',
      { path: '^functions/' },
      { path: '^(lib|local|test|bin|bench|operations|tools)/' },
      'Shipped code imports shipped code only.',
    ),
    rule(
      'lib-shares-the-contract',
      { path: '^lib/' },
      { path: '^functions/', pathNot: ['^functions/contract/'] },
      'lib sees the contract, nothing else of the functions.',
    ),
    rule(
      'local-and-test-never-ship',
      { path: '^(functions|lib)/|^bin/app\\.ts$' },
      { path: '^(local|test|bench|tools)/' },
      'Stand-ins and tests are never shipped.',
    ),
    rule(
      'the-client-stands-alone',
      { path: '^client/' },
      { path: '^(bin|functions|lib|local|operations|test|bench|tools)/' },
      'A caller of the API needs nothing of what serves it.',
    ),
    rule(
      'operations-work-on-the-deployed',
      { path: '^operations/' },
      { path: '^(lib|local|test|bench|tools)/' },
      'The command line works on a deployed stack, by the use cases and adapters that run in it.',
    ),
    rule(
      'bundles-hold-few-packages',
      { path: '^functions/' },
      {
        dependencyTypes: ['npm', 'npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: ['node_modules/(@aws-sdk/|@smithy/node-http-handler/|@middy/core/|leven/|valibot/)'],
      },
      'What a bundle holds is chosen with care: each package costs init time and needs a notice.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(cdk\\.out|\\.cache|coverage)/|(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
