import { afterAll, expect, test } from 'vitest';
import type { Adapter } from '../../src/core/adapter.ts';
import { createStop } from '../../src/lib/stop.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { createEmbeddingCanaries } from '../../src/router/embedding-canary.ts';
import { type Model, type Tensor, uint32 } from '../tiny-model/gguf.ts';
import { bert } from '../tiny-model/models.ts';
import { cpuOf, modelFolder } from './cpu-kit.ts';

// A real encoder, llama.cpp's, and what goes wrong between two servers of one model. Its weights are drawn, not trained.

const folder = modelFolder();
const drawn = bert();
const first = served('embedder', drawn);
afterAll(async () => {
  await first.close?.();
  folder.remove();
});

function served(name: string, model: Model): Adapter {
  return cpuOf({ embeddingModelPath: folder.write(`${name}.gguf`, model) });
}

/** The weights rounded to so many bits, in blocks of 32 with a scale of their own, as ggml does it; kept as 32 bits. */
function rounded(model: Model, bits: number): Model {
  const most = 2 ** (bits - 1) - 1;
  const round = (tensor: Tensor): Tensor => {
    if (tensor.shape.length < 2) return tensor;
    const values = new Float32Array(Uint8Array.from(tensor.data).buffer);
    for (let at = 0; at < values.length; at += 32) {
      const block = values.subarray(at, at + 32);
      const scale = Math.max(...block.map(Math.abs)) / most;
      for (const [index, value] of block.entries()) block[index] = Math.round(value / scale) * scale;
    }
    return { ...tensor, data: new Uint8Array(values.buffer) };
  };
  return { ...model, tensors: model.tensors.map(round) };
}

function withPrefix(adapter: Adapter, prefix: string): Adapter {
  const embed: Adapter['embed'] = (call) =>
    adapter.embed?.({ ...call, request: { input: [call.request.input].flat().map((text) => prefix + text) } }) ??
    Promise.reject(new Error());
  return { ...adapter, embed, close: () => Promise.resolve() };
}

/** What is told of a server that should serve the same model as another one. */
async function toldOf(second: Adapter, name = 'embedder'): Promise<{ objection: string | undefined; warnings: readonly string[] }> {
  const adapters = { first, second };
  const providers = Object.fromEntries(Object.entries(adapters).map(([id, adapter]) => [id, { type: 'custom', adapter } as const]));
  const { config } = resolveConfig({ providers, models: { text: { first: 'embedder', second: name } } });
  const states = { first: { foreignSpaces: new Map<string, string>() }, second: { foreignSpaces: new Map<string, string>() } };
  const partsOf = (id: 'first' | 'second') => ({ id, adapter: adapters[id], state: states[id] });
  const warnings: string[] = [];
  const canaries = createEmbeddingCanaries({
    config,
    providers: new Map(config.providers.map((each) => [each.id, { config: each, ...partsOf(each.id as 'first') }])),
    announce: (_, event) => void warnings.push((event as { message: string }).message),
    shutdown: createStop(),
  });
  await canaries.compareAll();
  await second.close?.();
  return { objection: states.second.foreignSpaces.get('text'), warnings };
}

test('weights of 8 bits make the same vectors', async () => {
  expect(await toldOf(served('embedder-8', rounded(drawn, 8)), 'embedder-8')).toEqual({ objection: undefined, warnings: [] });
});

test('weights of 4 bits make vectors that are near', async () => {
  const { objection, warnings } = await toldOf(served('embedder-4', rounded(drawn, 4)), 'embedder-4');
  expect(objection).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('another quantisation?')]);
});

test('the wrong pooling makes others', async () => {
  const firstToken = { ...drawn, metadata: { ...drawn.metadata, 'bert.pooling_type': uint32(2) } };
  expect((await toldOf(served('embedder-cls', firstToken), 'embedder-cls')).objection).toContain('its vectors differ from those of first');
});

// A prefix drowns in a long text (0.99 and more); the shortest text of all shows it.
test.each(['search_document: ', 'query: '])('the prefix %j, which only one of two servers adds, makes others', async (prefix) => {
  expect((await toldOf(withPrefix(first, prefix))).objection).toContain('its vectors differ from those of first');
});

test('other weights of the same shape make others', async () => {
  expect((await toldOf(served('embedder-7', bert({ seed: 7 })), 'embedder-7')).objection).toContain(
    'its vectors differ from those of first',
  );
});
