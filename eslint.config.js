// The linter's rules: type-aware and strict, so that a forgotten await or an `any` never reaches a review.
// Formatting is Prettier's job. A rule is relaxed here with its reason, never by a comment in a file.
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

const typed = ['**/*.ts', '**/*.svelte'];
const tests = ['**/*.test.ts', 'shared/testing/**'];

/** Folders whose programs speak to a person on a terminal: there console is the interface. */
const terminalPrograms = ['electron/cli/**', 'build/**', 'e2e/**'];

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'out/',
      'dist/',
      'renderer/i18n/compiled/',
      'e2e/screenshots/',
      'e2e/results/',
    ],
  },
  { linterOptions: { noInlineConfig: true } },
  {
    files: typed,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => socket.end()` is how a clean-up is handed over.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // The compiler believes that a field keeps its value across an await or a call; a state machine knows better.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `.catch(() => {})` where an error was told elsewhere, with a comment that says so.
      '@typescript-eslint/no-empty-function': 'off',
      // The command line library hands options over as what the caller says they are.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // An async method may fill an interface before it has something to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    rules: {
      'no-console': 'error',
      'no-debugger': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      complexity: ['error', 12],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 45, skipBlankLines: true, skipComments: true }],
    },
  },
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
        parser: tseslint.parser,
      },
    },
    rules: {
      'max-lines': ['error', { max: 150, skipBlankLines: true, skipComments: true }],
      // Types of $props and snippets do not reach the linter; svelte-check has them.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
      // Props are taken apart by one `let`, of which some may be bound; the Svelte rule knows runes.
      'prefer-const': 'off',
      'svelte/prefer-const': 'error',
      // The page has one address; links are fragments of it.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  {
    files: ['**/*.svelte.ts'],
    rules: { 'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }] },
  },
  {
    // execCommand('copy') is the one way to copy that needs no permission; the desktop grants none.
    files: ['renderer/ui/clipboard.ts'],
    rules: { '@typescript-eslint/no-deprecated': 'off' },
  },
  {
    // Plain http to an issuer on loopback is allowed by a function that is marked so that it stands out.
    files: ['shared/client/oidc/issuer.ts'],
    rules: { '@typescript-eslint/no-deprecated': 'off' },
  },
  { files: terminalPrograms, rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      'max-lines-per-function': 'off',
      // `expect(array[0]!.code)` fails loudly by itself.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // `expect.any(…)` inside an expected object is typed any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
);
