import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Globals of the clock, chance, the process and the network. The domain and the use cases get these as arguments. */
const impureGlobals = [
  'AbortController',
  'AbortSignal',
  'EventSource',
  'WebSocket',
  'XMLHttpRequest',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'console',
  'crypto',
  'fetch',
  'globalThis',
  'navigator',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
].map((name) => ({ name, message: 'Take it as an argument or by a port.' }));

export default defineConfig(
  {
    ignores: [
      'node_modules/',
      '.dependency-cruiser.cjs',
      'cdk.out/',
      '**/dist/',
      'coverage/',
      '.cache/',
      // A package of its own, with its own packages.
      'site/',
      'client/*-types.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '*.cjs', 'tools/*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'max-params': ['error', 4],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    files: ['functions/**', 'operations/**', 'local/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'v',
          property: 'record',
          message: 'Use recordOf: v.record leaves out the keys constructor and prototype silently.',
        },
      ],
    },
  },
  {
    files: ['functions/domain/**', 'functions/application/**'],
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Take it as an argument.' },
        { object: 'Date', property: 'now', message: 'Take the time as an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Take the time as an argument.',
        },
        { selector: "CallExpression[callee.name='Date']", message: 'Take the time as an argument.' },
      ],
    },
  },
  {
    files: ['test/**'],
    rules: { 'max-params': 'off', 'max-lines-per-function': 'off' },
  },
  { files: ['*.js', '*.cjs', '**/*.config.ts', 'tools/*.js'], rules: { 'no-restricted-exports': 'off' } },
  { files: ['bin/**', 'local/**', 'bench/**', 'tools/**'], rules: { 'no-console': 'off' } },
);
