import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromEnv } from '../../src/config/env.ts';
import { envTable } from '../../src/config/env-table.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { isRouterError } from '../../src/core/errors.ts';

/** What came of it: a config, or the text of a ConfigError. Any other error is thrown on, and fails the test. */
function outcome(act: () => unknown): string {
  try {
    act();
    return '';
  } catch (error) {
    if (!isRouterError(error, 'invalid_config')) throw error;
    return `${error.message} ${JSON.stringify(error)} ${error.stack}`;
  }
}

const canary = 'canary-7f3a';
const names =
  'providers models intents defaultIntent allowPaid maxAttempts deadlineMs timeouts breaker pinMs onModelMissing transport clock random p gpu type url apiKey headers device cost priority adapter modelPath reply order idleMs openMs fast maxLocality locality maxCostUsd prices balance queue limit pollMs lane affinity weight maxConcurrent reservedForFast __proto__ constructor'.split(
    ' ',
  );
const leaf = fc.oneof(
  fc.constantFrom(
    canary,
    `http://u:${canary}@h?${canary}`,
    `Bearer ${canary}`,
    'ollama',
    'openai',
    'custom',
    'classic',
    'gpu',
    'fast',
    '',
    ' ',
  ),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, Number.NaN, () => canary, Symbol(canary), 5n, new Map([[canary, 1]]), new Date(0), /x/),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), tie('tree')), { maxLength: 6 }).map((entries) => {
      const value = {};
      for (const [name, entry] of entries) Object.defineProperty(value, name, { value: entry, enumerable: true, configurable: true });
      return value;
    }),
  ),
}));

test('anything is either a config or a ConfigError that shows no value', () => {
  fc.assert(
    fc.property(tree, (options) => {
      expect(outcome(() => resolveConfig(options as RouterOptions))).not.toContain(canary);
    }),
    { numRuns: 2_000 },
  );
});

test('any JSON is either a config or a ConfigError', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (options) => {
      outcome(() => resolveConfig(options as unknown as RouterOptions));
    }),
    { numRuns: 1_000 },
  );
});

test('options that are nearly right are too', () => {
  const provider = fc.record(
    {
      type: fc.constantFrom('ollama', 'openai', 'cpu', 'stub'),
      url: leaf,
      apiKey: leaf,
      headers: fc.dictionary(fc.constantFrom('a', 'authorization'), leaf),
      priority: leaf,
      timeouts: tree,
    },
    { requiredKeys: ['type'] },
  );
  const options = fc.record(
    {
      providers: fc.dictionary(fc.constantFrom('a', 'b', 'c'), provider, { minKeys: 1 }),
      models: tree,
      intents: tree,
      breaker: tree,
      maxAttempts: leaf,
    },
    { requiredKeys: ['providers'] },
  );
  fc.assert(
    fc.property(options, (value) => {
      expect(outcome(() => resolveConfig(value as unknown as RouterOptions))).not.toContain(canary);
    }),
    { numRuns: 500 },
  );
});

test('any environment gives options that resolve, or a ConfigError that shows no value', () => {
  const words = [
    'true',
    'no',
    'openai',
    'ollama',
    'vllm,openai',
    'vllm',
    'http://box:8000',
    'http://127.0.0.1:11434/v1',
    '0.0.0.0',
    'sk-fine',
  ];
  const text = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(canary, `http://u:${canary}@h`, `http://h?k=${canary}`, ` ${canary}\n`, `vllm,${canary}`),
    fc.string(),
  );
  const env = fc.dictionary(fc.constantFrom(...Object.keys(envTable)), text);
  let resolved = 0;
  fc.assert(
    fc.property(env, (value) => {
      const told = outcome(() => resolveConfig(fromEnv(value)));
      if (told === '') resolved++;
      expect(told).not.toContain(canary);
    }),
    { numRuns: 3_000 },
  );
  expect(resolved).toBeGreaterThan(50);
});
