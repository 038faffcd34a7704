import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import globals from 'globals'
import tseslint from 'typescript-eslint'

/** Rules for what is published: stricter than for tests and scripts. */
const library = {
  files: ['packages/*/src/**/*.ts'],
  rules: {
    'no-console': 'error',
    'max-lines': ['error', { max: 350 }],
    '@typescript-eslint/explicit-module-boundary-types': 'error',
    'no-restricted-syntax': [
      'error',
      { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
      { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
    ],
    // The DOM's types are needed for WebAssembly; its variables do not exist in Node.
    'no-restricted-globals': ['error', 'document', 'event', 'length', 'name', 'self', 'status', 'window'],
  },
}

export default defineConfig(
  globalIgnores(['**/dist/', '**/generated/', '**/assembly/', 'packages/base-encoder/onnx/', 'output/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      // One program for all packages, with sources instead of built declarations.
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'max-params': ['error', { max: 3 }],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^@tfx/[^/]+/|^(\\.\\./)+[^./]+/src/', message: "Import the package's own exports." },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // An interface may ask for a method that this implementation has no work for, or none to wait for.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/no-unnecessary-type-arguments': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  library,
  // The callbacks of a property or a table of cases take as many values as there are.
  { files: ['packages/*/test/**/*.ts'], rules: { 'max-params': 'off' } },
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: globals.nodeBuiltin } },
  { files: ['**/*.cjs'], languageOptions: { globals: globals.node } },
)
