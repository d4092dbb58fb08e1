import { expect, test } from 'vitest';
import { autodetect, type ProviderType } from '../../src/index.ts';
import { type BackendKind, fakeBackend, models, remoteGpuWire } from '../../src/testing/index.ts';

/** What a server is told to be where that differs from its own type: a cloud is known by its name alone. */
const cases: readonly (readonly [string, BackendKind, ProviderType])[] = [
  ...(['ollama', 'vllm', 'llamacpp', 'tgi', 'textgen', 'sglang', 'lmstudio', 'nvidia', 'tei', 'anthropic'] as const).map(
    (type) => [type, type, type] as const,
  ),
  ...(['openai', 'huggingface', 'together', 'openai-compatible'] as const).map((type) => [type, type, 'openai-compatible'] as const),
  ['remote-gpu: a notebook', remoteGpuWire('notebook'), 'remote-gpu'],
  ['remote-gpu: a proxy', remoteGpuWire('proxy'), 'remote-gpu'],
  // TGI's own protocol and its OpenAI-like one are one server, and the second can do more.
  ['remote-gpu: TGI', remoteGpuWire('tgi'), 'tgi'],
];

test.for(cases)('a fake is told from the others as its server would be: %s', async ([, kind, type]) => {
  await using server = await fakeBackend(kind, [models(['m'])]).listen();
  expect((await autodetect(server.url)).type).toBe(type);
});
