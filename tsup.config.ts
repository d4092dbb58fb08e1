import { defineConfig } from 'tsup';

const config: ReturnType<typeof defineConfig> = defineConfig({
  // One row per entry point of package.json's `exports`.
  entry: {
    index: 'src/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: 'esm',
  target: ['node22', 'es2023'],
  dts: true,
  clean: true,
  // tsup would write `http` for `node:http`, which Deno and Workers refuse, and break `node:sqlite`.
  removeNodeProtocol: false,
  // Optional peers stay imports of the consumer's own copy; dependencies are external by default.
  external: ['node-llama-cpp', '@huggingface/transformers', '@pydantic/genai-prices', 'msw'],
});

export default config;
