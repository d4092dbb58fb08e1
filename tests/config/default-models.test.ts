import { describe, expect, test } from 'vitest';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { defaultModels, goneModels } from '../../src/core/default-models.ts';

const modelsOf = (options: ProviderOptions): (string | undefined)[] => {
  const [config] = resolveConfig({ providers: { p: options } }).config.providers;
  return [config?.defaultModel, config?.embeddingModel];
};

describe('default models', () => {
  test('a cloud at its usual address has those of the table, one for each verb', () => {
    expect(modelsOf({ type: 'openai', apiKey: 'k' })).toEqual(['gpt-4o-mini', 'text-embedding-3-small']);
    expect(modelsOf({ type: 'anthropic', apiKey: 'k' })).toEqual(['claude-haiku-4-5', undefined]);
  });

  test('at another address nothing is known of its models', () => {
    expect(modelsOf({ type: 'openai', url: 'http://box:8000' })).toEqual([undefined, undefined]);
  });

  test('what is set goes first', () => {
    expect(modelsOf({ type: 'openai', apiKey: 'k', defaultModel: 'mine' })[0]).toBe('mine');
  });

  test('a server of one’s own has none', () => {
    expect(modelsOf({ type: 'ollama' })).toEqual([undefined, undefined]);
  });

  test('each row has a day, and none of them is known to be gone', () => {
    for (const { asOf } of defaultModels) expect(asOf).toMatch(/^20\d\d-[01]\d-[0-3]\d$/);
    const gone = goneModels.map(({ type, model }) => `${type} ${model}`);
    expect(defaultModels.filter(({ type, model }) => gone.includes(`${type} ${model}`))).toEqual([]);
  });
});
