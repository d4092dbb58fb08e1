import { describe, expect, test } from 'vitest';
import type { RouterOptions } from '../../src/config/options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { ModelName } from '../../src/core/adapter.ts';
import type { Verb } from '../../src/core/events.ts';
import { plainName, quoted, type ResolvedModel, resolveModel, sameName } from '../../src/router/model-name.ts';

interface Asked {
  readonly requested?: string;
  readonly provider?: { readonly defaultModel?: string; readonly embeddingModel?: string; readonly embeddingSpace?: string };
  readonly router?: Partial<RouterOptions>;
  readonly verb?: Verb;
  readonly modelName?: ModelName;
  /** Models that the provider is known not to serve. */
  readonly denied?: readonly string[];
}

function resolve({ requested, provider, router, verb = 'chat', modelName = 'required', denied = [] }: Asked): ResolvedModel {
  const { config } = resolveConfig({
    providers: { gpu: { type: 'ollama', ...provider }, cpu: { type: 'ollama', url: 'http://127.0.0.1:11435' } },
    ...router,
  });
  const [gpu] = config.providers;
  if (gpu === undefined) throw new Error('no provider');
  const denies = (model: string): string | undefined => (denied.includes(model) ? `it does not list ${quoted(model)}` : undefined);
  return resolveModel({ verb, requested, provider: gpu, modelName, config, denies });
}

const models = { big: { gpu: 'llama3.1:70b', cpu: 'llama3.1:8b' }, small: { cpu: 'tiny' } };

test('what `models` tells of a server that answers whatever it is asked for is read once', () => {
  const { config } = resolveConfig({ providers: { gpu: { type: 'llamacpp' } }, models: { big: { gpu: 'llama3.1:70b' } } });
  const [provider] = config.providers;
  if (provider === undefined) throw new Error('no provider');
  let reads = 0;
  const counted = new (class extends Map<string, ReadonlyMap<string, string>> {
    override values() {
      reads += 1;
      return super.values();
    }
  })(config.models);
  const ask = (requested: string, aliases: ReadonlyMap<string, ReadonlyMap<string, string>>) =>
    resolveModel({
      verb: 'chat',
      requested,
      provider,
      modelName: 'ignored',
      config: { ...config, models: aliases },
      denies: () => undefined,
    });
  for (const name of ['mistral', 'phi', 'mistral']) expect(ask(name, counted).missing).toContain('is not among it');
  expect(reads).toBe(1);
  // After an update others may be named.
  expect(ask('mistral', new Map([['small', new Map([['gpu', 'mistral']])]])).missing).toBeUndefined();
});

describe('a name that the caller gave', () => {
  test('is sent as it stands where it is no alias', () => {
    expect(resolve({ requested: 'mistral' })).toEqual({ model: 'mistral', missing: undefined, substituted: false, space: 'mistral' });
  });

  test('is turned into the provider’s own where it is an alias', () => {
    expect(resolve({ requested: 'big', router: { models } })).toMatchObject({ model: 'llama3.1:70b', missing: undefined, space: 'big' });
  });

  test('is missing where the alias has no name for the provider', () => {
    expect(resolve({ requested: 'small', router: { models } })).toMatchObject({
      model: undefined,
      missing: 'models has no name for "small" there',
    });
  });

  test.each(['toString', '__proto__', 'constructor'])('%s is no alias by accident', (requested) => {
    expect(resolve({ requested, router: { models } })).toMatchObject({ model: requested, missing: undefined });
  });

  test('is missing where the provider is known not to serve it, by its own name', () => {
    expect(resolve({ requested: 'big', router: { models }, denied: ['llama3.1:70b'] })).toMatchObject({
      model: 'llama3.1:70b',
      missing: 'it does not list "llama3.1:70b"',
      substituted: false,
    });
  });

  test('is not replaced by the default', () => {
    expect(resolve({ requested: 'mistral', provider: { defaultModel: 'd' }, denied: ['mistral'] })).toMatchObject({ model: 'mistral' });
  });
});

describe('a server that answers whatever name it is asked for', () => {
  const ask = (requested: string, router: Partial<RouterOptions>, provider: Asked['provider'] = {}) =>
    resolve({ requested, provider, router, modelName: 'ignored' });
  const named = { models: { big: { gpu: 'Llama-3.1-70B', cpu: 'llama3.1:8b' } } };

  test('is asked for any, as long as models names nothing there', () => {
    expect(ask('anything', {}).missing).toBeUndefined();
    expect(ask('anything', { models: { small: { cpu: 'tiny' } } }).missing).toBeUndefined();
  });

  test('is not asked for a name outside of models once that names one there', () => {
    expect(ask('mistral', named)).toMatchObject({
      model: 'mistral',
      missing: 'models names what it serves, and "mistral" is not among it',
      substituted: false,
    });
  });

  test.each(['big', 'Llama-3.1-70B', 'llama-3.1-70b', 'LLAMA-3.1-70B:latest'])('is asked for %s, which compares no case', (requested) => {
    expect(ask(requested, named).missing).toBeUndefined();
  });

  test.each<[string, Asked['provider']]>([
    ['default model', { defaultModel: 'Qwen3' }],
    ['embedding model', { embeddingModel: 'Qwen3' }],
  ])('is asked for its %s as well', (_, provider) => {
    expect(ask('qwen3', named, provider).missing).toBeUndefined();
  });

  test('is asked by an alias that names its embedding model, and for no other one', () => {
    const router = { models: { text: { gpu: 'Nomic' } } };
    const provider = { embeddingModel: 'nomic' };
    for (const requested of ['text', 'nomic', 'NOMIC'])
      expect(resolve({ requested, provider, router, modelName: 'ignored', verb: 'embed' }).missing).toBeUndefined();
    expect(resolve({ requested: 'bge', provider, router, modelName: 'ignored', verb: 'embed' }).missing).toContain('"bge"');
  });

  test('chats by any name where models names nothing there but its embedding model', () => {
    expect(ask('anything', { models: { text: { gpu: 'Nomic' } } }, { embeddingModel: 'nomic' }).missing).toBeUndefined();
    expect(ask('anything', { models: { text: { gpu: 'Nomic' }, big: { gpu: 'x' } } }, { embeddingModel: 'nomic' }).missing).toBeDefined();
  });

  test('answers with its default in place of another where onModelMissing says so', () => {
    const router = { ...named, onModelMissing: 'substitute' } as const;
    expect(ask('mistral', router, { defaultModel: 'd' })).toMatchObject({ model: 'd', substituted: true });
  });
});

describe('a call without a name', () => {
  test('uses the default model', () => {
    expect(resolve({ provider: { defaultModel: 'd', embeddingModel: 'e' } })).toMatchObject({ model: 'd', missing: undefined });
  });

  test('uses the embedding model for embeddings', () => {
    expect(resolve({ provider: { defaultModel: 'd', embeddingModel: 'e' }, verb: 'embed' })).toMatchObject({ model: 'e', space: 'e' });
  });

  test('uses the default model for streams', () => {
    expect(resolve({ provider: { defaultModel: 'd' }, verb: 'stream' })).toMatchObject({ model: 'd' });
  });

  test('is missing where the default is known not to be served', () => {
    expect(resolve({ provider: { defaultModel: 'd' }, denied: ['d'] })).toMatchObject({ model: 'd', missing: 'it does not list "d"' });
  });

  test.each([
    ['chat', 'defaultModel'],
    ['stream', 'defaultModel'],
    ['embed', 'embeddingModel'],
  ] as const)('of %s is missing where the provider needs one and has no %s', (verb, field) => {
    expect(resolve({ verb })).toMatchObject({ model: undefined, missing: `the request names no model and it has no ${field}` });
  });

  test.each(['optional', 'ignored'] as const)('leaves the choice to a server for which a name is %s', (modelName) => {
    expect(resolve({ modelName })).toMatchObject({ model: undefined, missing: undefined, substituted: false });
  });
});

describe('onModelMissing: substitute', () => {
  const router = { models, onModelMissing: 'substitute' } as const;
  const provider = { defaultModel: 'd', embeddingModel: 'e' };

  test('takes the default in place of a model that is not served, and says so', () => {
    expect(resolve({ requested: 'mistral', router, provider, denied: ['mistral'] })).toMatchObject({
      model: 'd',
      missing: undefined,
      substituted: true,
    });
  });

  test('takes the default in place of a name that the alias lacks', () => {
    expect(resolve({ requested: 'small', router, provider })).toMatchObject({ model: 'd', substituted: true });
  });

  test('changes nothing where the model is served', () => {
    expect(resolve({ requested: 'mistral', router, provider })).toMatchObject({ model: 'mistral', substituted: false });
  });

  test('never touches embeddings', () => {
    expect(resolve({ requested: 'mistral', router, provider, verb: 'embed', denied: ['mistral'] })).toMatchObject({
      model: 'mistral',
      missing: 'it does not list "mistral"',
      substituted: false,
    });
  });

  test.each<[string, Asked]>([
    ['there is no default', { provider: {} }],
    ['the default is not served either', { provider, denied: ['mistral', 'd'] }],
  ])('does not help where %s, and the reason is the model asked for', (_name, asked) => {
    const denied = asked.denied ?? ['mistral'];
    expect(resolve({ requested: 'mistral', router, ...asked, denied })).toMatchObject({
      model: 'mistral',
      missing: 'it does not list "mistral"',
      substituted: false,
    });
  });
});

describe('vector spaces', () => {
  test('of a name with and without the usual tag are the same', () => {
    const spaces = ['nomic', 'nomic:latest'].map((requested) => resolve({ requested, verb: 'embed' }).space);
    expect(spaces).toEqual(['nomic', 'nomic']);
  });

  test('of other tags are others', () => {
    expect(resolve({ requested: 'nomic:v1.5', verb: 'embed' }).space).toBe('nomic:v1.5');
  });

  test('of an alias are one, whatever the provider calls it', () => {
    for (const requested of ['big', 'big:latest']) expect(resolve({ requested, router: { models }, verb: 'embed' }).space).toBe('big');
  });

  test.each<Asked>([
    { requested: 'library/nomic:latest' },
    { requested: 'registry.ollama.ai/library/nomic' },
    { provider: { embeddingModel: 'ollama.com/library/nomic:latest' } },
  ])('of one model are one, whoever names it: %o', (asked) => {
    expect(resolve({ ...asked, verb: 'embed' }).space).toBe('nomic');
  });

  test.each<Asked>([
    { requested: 'nomic' },
    { requested: 'big', router: { models } },
    { provider: { embeddingModel: 'nomic' } },
    { modelName: 'optional' },
    { requested: 'gone', denied: ['gone'] },
  ])('is what the provider’s embeddingSpace says, over any name: %o', ({ provider, ...asked }) => {
    expect(resolve({ ...asked, provider: { ...provider, embeddingSpace: 'ours' }, verb: 'embed' }).space).toBe('ours');
  });

  test('of servers that choose for themselves are never taken for the same', () => {
    expect(resolve({ verb: 'embed', modelName: 'optional' }).space).toBe('the default of gpu');
  });
});

test.each([
  ['a', 'a'],
  ['a:latest', 'a'],
  ['a:latest:latest', 'a:latest'],
  ['latest', 'latest'],
  ['a:7b', 'a:7b'],
  ['library/a', 'a'],
  ['library/a:7b', 'a:7b'],
  ['registry.ollama.ai/library/a:latest', 'a'],
  ['ollama.com/library/a', 'a'],
  ['ollama.com/someone/a', 'someone/a'],
  ['ollama.com/library/owner/a', 'library/owner/a'],
  ['registry.ollama.ai/someone/a:latest', 'someone/a'],
  ['huggingface.co/owner/a-GGUF:Q4_K_M', 'hf.co/owner/a-GGUF:Q4_K_M'],
  ['hf.co/owner/a-GGUF:latest', 'hf.co/owner/a-GGUF'],
])('%s is compared as %s', (model, expected) => {
  expect(plainName(model)).toBe(expected);
});

// Nothing of these is known to be the same as something shorter.
test.each([
  'owner/a',
  'library/owner/a',
  'my-library/a',
  'other.host/library/a',
  'xollama.com/library/a',
  'ollamaxcom/library/a',
  'hf.co.example/a',
  'models/huggingface.co/a',
  'A',
  'library/',
  'hf.co/',
  'huggingface.co/',
  'ollama.com/',
  '',
])('%s is compared as it stands', (model) => {
  expect(plainName(model)).toBe(model);
});

test.each([
  ['registry.ollama.ai/library/llama3:latest', 'llama3', true],
  ['library/llama3', 'ollama.com/library/llama3', true],
  ['hf.co/o/m:Q4_0', 'huggingface.co/o/m:Q4_0', true],
  ['llama3:8b', 'llama3', false],
  ['someone/llama3', 'llama3', false],
  ['Llama3', 'llama3', false],
])('%s and %s are one model: %s', (left, right, expected) => {
  expect(sameName(left, right)).toBe(expected);
  expect(sameName(right, left)).toBe(expected);
});

test('what is sent stays as the caller wrote it', () => {
  const model = 'registry.ollama.ai/library/llama3:latest';
  expect(resolve({ requested: model })).toMatchObject({ model, space: 'llama3' });
});

describe('a name in a message', () => {
  test('is in quotes, with nothing that could break the line', () => {
    expect(quoted('a"\n\u001b[31mb')).toBe(String.raw`"a\"\n\u001b[31mb"`);
  });

  test('is cut after 100 characters', () => {
    expect(quoted('x'.repeat(100))).toHaveLength(102);
    expect(quoted('x'.repeat(1_000_000))).toBe(`"${'x'.repeat(100)}…"`);
  });
});
