import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

// The tests of one area; `MUTATION_TESTS` names them. Runs that are long by their numbers, and those of other processes, tell nothing
// about one changed line that the others do not.
const source = (path: string): string => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));

const config: ViteUserConfig = defineConfig({
  test: {
    root: fileURLToPath(new URL('../../../', import.meta.url)),
    include: (process.env['MUTATION_TESTS'] ?? 'none').split(' '),
    exclude: ['tests/campaign/**', 'tests/router/process-exit.test.ts', 'tests/router/dropped-stream.test.ts', '**/node_modules/**'],
    testNamePattern: /^(?!.*(?:100,000|1,000,000))/,
    alias: [
      { find: /^inferlane$/, replacement: source('index.ts') },
      { find: /^inferlane\/testing$/, replacement: source('testing/index.ts') },
    ],
    // Every change would else be asked about by as many fresh threads as there are files, each of which loads the source anew.
    isolate: false,
    testTimeout: 10_000,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
  },
});

export default config;
