import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

const config: ViteUserConfig = defineConfig({
  test: {
    // The quick forms of the campaign measure, so they run after everything else and one at a time.
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['tests/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['tests/campaign/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        test: { name: 'campaign', include: ['tests/campaign/*/*.test.ts'], fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
    // Examples import the package by its name, as users do.
    alias: [
      { find: /^inferlane$/, replacement: source('index.ts') },
      { find: /^inferlane\/http$/, replacement: source('http/index.ts') },
      { find: /^inferlane\/otel$/, replacement: source('telemetry/otel.ts') },
      { find: /^inferlane\/prometheus$/, replacement: source('telemetry/prometheus.ts') },
      { find: /^inferlane\/ai-sdk$/, replacement: source('ai-sdk/index.ts') },
      { find: /^inferlane\/redis$/, replacement: source('state/redis.ts') },
      { find: /^inferlane\/node-http$/, replacement: source('lib/node-http.ts') },
      { find: /^inferlane\/undici$/, replacement: source('lib/undici-transport.ts') },
      { find: /^inferlane\/testing$/, replacement: source('testing/index.ts') },
    ],
    reporters: ['default', './tests/_kit/plain-reporter.ts'],
    testTimeout: 10_000,
    hookTimeout: 10_000,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    // `npx vitest run --coverage`: off otherwise, it slows every run.
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
  },
});

export default config;
