import { defineConfig } from 'tsup';
import { licenceNotices } from './scripts/licence-notices.ts';

// One row per entry point of package.json's `exports`.
const entryPoints = {
  index: 'src/index.ts',
  http: 'src/http/index.ts',
  testing: 'src/testing/index.ts',
  'ai-sdk': 'src/ai-sdk/index.ts',
  otel: 'src/telemetry/otel.ts',
  prometheus: 'src/telemetry/prometheus.ts',
  redis: 'src/state/redis.ts',
  'node-http': 'src/lib/node-http.ts',
  undici: 'src/lib/undici-transport.ts',
};

const config: ReturnType<typeof defineConfig> = defineConfig({
  // And one for its `bin`.
  entry: { ...entryPoints, cli: 'src/cli/main.ts' },
  format: 'esm',
  target: ['node22', 'es2023'],
  // Nobody imports the command line.
  dts: { entry: entryPoints },
  clean: true,
  // What is shipped is not minified, so it can be read and stepped through as it is; with maps the package is three times as large.
  sourcemap: false,
  // tsup would write `http` for `node:http`, which Deno and Workers refuse, and break `node:sqlite`.
  removeNodeProtocol: false,
  // What is no dependency is bundled, with its licence.
  esbuildPlugins: [licenceNotices],
  // Optional peers stay imports of the consumer's own copy; dependencies are external by default.
  external: [
    'node-llama-cpp',
    '@huggingface/transformers',
    '@pydantic/genai-prices',
    'msw',
    '@ai-sdk/provider',
    '@opentelemetry/api',
    'prom-client',
    'redis',
    'undici',
  ],
});

export default config;
