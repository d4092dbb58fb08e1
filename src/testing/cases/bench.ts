import type { Adapter } from '../../index.ts';
import type { BackendKind, FakeBackend, FakeCall, ListeningBackend } from '../backend.ts';
import { fakeBackend } from '../fake-backend.ts';
import type { WireCall } from '../wire.ts';
import { wireOf } from '../wires/index.ts';
import type { Bench } from './case.ts';
import { chatCall, embedCall, neverAborts } from './calls.ts';
import { createNeeds, type Needs } from './needs.ts';
import { readAll } from './reading.ts';
import type { Samples } from './sayings.ts';
import { editable } from './edited.ts';

export interface BenchOptions {
  readonly backend: BackendKind;
  /** Makes the adapter for a server at this address. */
  readonly adapter: (url: string) => Adapter | Promise<Adapter>;
  /** What the server calls its model. Left out: calls name none. */
  readonly model?: string | undefined;
}

/** What the adapter of these options sends does not change from bench to bench, so it is looked at once. */
const samplesOf: WeakMap<BenchOptions, Promise<Samples>> = new WeakMap();

/**
 * Starts a fake of the server on a free port and makes the adapter for it; `await using` closes both. What the adapter sends decides
 * which cases concern it, so one adapter more is made first, calls a server of its own, and is closed again; benches that are made
 * of one and the same object share what was seen there.
 */
export async function createBench(options: BenchOptions): Promise<Bench> {
  const { backend: kind, adapter: create, model } = options;
  const wire = editable(wireOf(kind));
  // Some adapters ask the server for its models before they call one.
  const start = [{ models: [{ id: model ?? 'the-only-model' }] }];
  let samples = samplesOf.get(options);
  if (samples === undefined) {
    samples = connected(fakeBackend(wire, start), create, async (backend, adapter) => {
      const taken = await takeSamples(adapter, model, backend);
      await close(backend, adapter);
      return taken;
    });
    samplesOf.set(options, samples);
  }
  const seen = await samples;
  return connected(fakeBackend(wire, start), create, async (backend, adapter) =>
    toBench(adapter, model, backend, { ...createNeeds(adapter, model, wire, seen), begunBy: (call) => wire.begunBy?.(call) }),
  );
}

/** A server that nobody could use any more is not left behind. */
async function connected<Value>(
  fake: FakeBackend,
  create: BenchOptions['adapter'],
  use: (backend: ListeningBackend, adapter: Adapter) => Promise<Value>,
): Promise<Value> {
  const backend = await fake.listen();
  try {
    return await use(backend, await create(backend.url));
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function close(backend: ListeningBackend, adapter: Adapter): Promise<void> {
  await adapter.close?.();
  await backend.close();
}

function toBench(adapter: Adapter, model: string | undefined, backend: ListeningBackend, wire: Needs & Pick<Bench, 'begunBy'>): Bench {
  let before = 0;
  const closeBoth = (): Promise<void> => close(backend, adapter);
  return {
    adapter,
    model,
    backend,
    play(...script) {
      before = backend.calls.length;
      backend.play(script);
    },
    get calls() {
      return backend.calls.slice(before);
    },
    ...wire,
    close: closeBoth,
    [Symbol.asyncDispose]: closeBoth,
  };
}

/** The requests of one call of each verb. An adapter that fails here fails its cases; here it only leaves no sample. */
async function takeSamples(adapter: Adapter, model: string | undefined, backend: ListeningBackend): Promise<Samples> {
  const during = async (work: () => Promise<unknown>): Promise<readonly WireCall[]> => {
    const before = backend.requests.length;
    await work().catch(() => undefined);
    return backend.requests.slice(before).filter((request): request is FakeCall => request.verb !== undefined);
  };
  const answering = async (work: () => Promise<unknown>): Promise<readonly WireCall[]> =>
    (await during(work)).filter(({ verb }) => verb === 'chat' || verb === 'stream' || verb === 'embed');
  const request = { messages: [{ role: 'user' as const, content: 'Hello' }] };
  const { chats } = adapter;
  return {
    chat: chats ? await answering(() => adapter.chat(chatCall({ model }, request))) : [],
    stream: chats ? await answering(async () => readAll(await adapter.stream(chatCall({ model }, request)))) : [],
    embed: await answering(async () => adapter.embed?.(embedCall({ model }, { input: 'Hello' }))),
    models: await during(async () => adapter.models?.(neverAborts())),
    load: await during(async () => adapter.load?.(neverAborts())),
  };
}
