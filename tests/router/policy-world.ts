import { ReadableStream as NodeStream } from 'node:stream/web';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { type Adapter, type Call, defineAdapter } from '../../src/core/adapter.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatAnswer, ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from '../../src/core/types.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../src/lib/transport.ts';
import { createVirtualClock, type VirtualClock } from '../campaign/simulator/virtual-clock.ts';
import { toChunk } from '../_kit/fake-adapter.ts';

/** What a provider does with one call. `cut` breaks a stream after content, `stall` falls silent there; for whole answers they are no answer. */
export type Deed = ErrorCode | 'answer' | 'slow' | 'hang' | 'cut' | 'stall' | 'refused' | 'reset' | 'redirect';

export interface FakeProvider {
  readonly id: string;
  /** Where it listens; undefined for an adapter of the application's own. */
  readonly origin: string | undefined;
  /** What it does, call by call, and from the first again. */
  readonly script: readonly Deed[];
}

/** Somebody was asked for something. */
export interface Contact {
  readonly provider: string;
  readonly what: 'attempt' | 'canary' | 'models' | 'health' | 'load' | 'other';
  /** Of the router's call that it was an attempt of, as its prompt says. */
  readonly call: number;
  readonly request: Readonly<Record<string, unknown>>;
}

export interface World {
  readonly clock: VirtualClock;
  readonly contacts: readonly Contact[];
  readonly transport: Transport;
  adapterOf(provider: FakeProvider): Adapter;
}

/** How a call's prompt begins. */
export function markOf(call: number): string {
  return `call:${call};`;
}

/** Every provider there is, on a clock that stands still, and a book of who was asked for what. */
export function createWorld(providers: readonly FakeProvider[]): World {
  const clock = createVirtualClock();
  const contacts: Contact[] = [];
  const turns = new Map<string, number>();
  const note = (provider: string, what: Contact['what'], request: Contact['request'] = {}): void => {
    const call = Number(/call:(\d+);/.exec(JSON.stringify(request))?.[1] ?? -1);
    contacts.push({ provider, what: call >= 0 ? 'attempt' : what, call, request });
  };
  const deedOf = ({ id, script }: FakeProvider): Deed => {
    const turn = turns.get(id) ?? 0;
    turns.set(id, turn + 1);
    return script[turn % script.length] ?? 'answer';
  };
  const world: Parts = { clock, note, deedOf };
  return { clock, contacts, transport: transportOf(providers, world), adapterOf: (provider) => adapterOf(provider, world) };
}

interface Parts {
  readonly clock: VirtualClock;
  note(provider: string, what: Contact['what'], request?: Contact['request']): void;
  deedOf(provider: FakeProvider): Deed;
}

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

const usualMs = 5;
const slowMs = 3_000;

function adapterOf(provider: FakeProvider, { clock, note, deedOf }: Parts): Adapter {
  const { id } = provider;
  const enter = async ({ request, model, signal }: Call<ChatRequest | EmbedRequest>): Promise<Deed> => {
    note(id, 'canary', { ...request, model });
    const deed = deedOf(provider);
    if (deed === 'hang') return never(signal);
    await clock.sleep(deed === 'slow' ? slowMs : usualMs);
    signal.throwIfAborted();
    if (deed === 'answer' || deed === 'slow' || deed === 'cut' || deed === 'stall') return deed;
    throw faultOf(deed);
  };
  const ask = (what: Contact['what']) => async (): Promise<void> => {
    note(id, what);
    await clock.sleep(usualMs);
  };
  const [models, health, load] = [ask('models'), ask('health'), ask('load')];
  return defineAdapter({
    name: 'fake',
    modelName: 'optional',
    capabilities: { ...allCapabilities, prefill: true },
    chat: async (call) => toAnswer(await enter(call), call.model),
    stream: async (call) => readPieces(await enter(call), call, clock),
    embed: async (call) => toVectors(call.request, await enter(call)),
    models: () => models().then(() => []),
    health: () => health().then(() => ({ state: 'ok' as const })),
    load: () => load().then(() => ({ running: 0 })),
  });
}

function faultOf(deed: Exclude<Deed, 'answer' | 'slow' | 'cut' | 'stall' | 'hang'>): RouterError {
  if (deed === 'refused') return new RouterError('unavailable', 'it was refused.', { phase: 'connect', reason: 'ECONNREFUSED' });
  if (deed === 'reset' || deed === 'redirect') return new RouterError('unavailable', `it was a ${deed}.`);
  return new RouterError(deed, `it said ${deed}.`, deed === 'rate_limited' ? { retryAfterMs: 200 } : {});
}

function toAnswer(deed: Deed, model: string | undefined): ChatAnswer {
  if (deed === 'cut' || deed === 'stall') throw new RouterError('bad_response', 'half an answer.');
  const message = { role: 'assistant' as const, content: 'an answer' };
  return { id: 'c', object: 'chat.completion', created: 1, model: model ?? 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
}

async function* readPieces(deed: Deed, { model, signal }: Call<ChatRequest>, clock: VirtualClock): ChunkBatches {
  yield [toChunk({ role: 'assistant', content: 'an ' }, model)];
  await clock.sleep(usualMs);
  if (deed === 'cut') throw new RouterError('unavailable', 'it was cut off.');
  if (deed === 'stall') await never(signal);
  yield [toChunk({ content: 'answer' }, model)];
}

function toVectors({ input }: EmbedRequest, deed: Deed): EmbedAnswer {
  if (deed === 'cut' || deed === 'stall') throw new RouterError('bad_response', 'half an answer.');
  const texts = typeof input === 'string' ? [input] : input;
  return { object: 'list', model: 'e', data: texts.map((_, index) => ({ object: 'embedding', index, embedding: [1, 0] })) };
}

/** The only network there is. Whoever is asked and is nobody's provider stands in the book as `a stranger`. */
function transportOf(providers: readonly FakeProvider[], world: Parts): Transport {
  const byOrigin = new Map(providers.map((provider) => [provider.origin, provider]));
  return {
    async send(request) {
      const { origin, pathname } = new URL(request.url);
      const provider = byOrigin.get(origin);
      const body = request.body === undefined ? {} : (JSON.parse(request.body) as Record<string, unknown>);
      world.note(provider?.id ?? 'a stranger', request.method === 'POST' ? 'canary' : questionOf(pathname), body);
      if (provider === undefined) throw systemError('ENOTFOUND');
      if (request.method === 'GET') return tell(pathname, world);
      return play(world.deedOf(provider), body, request, world);
    },
  };
}

function questionOf(path: string): Contact['what'] {
  if (path.endsWith('/models')) return 'models';
  return path === '/health' || path === '/version' ? 'health' : 'load';
}

async function tell(path: string, { clock }: Parts): Promise<TransportResponse> {
  await clock.sleep(usualMs);
  if (path.endsWith('/models')) return json(200, { object: 'list', data: [] });
  return json(path === '/health' ? 200 : 404, {});
}

async function play(deed: Deed, body: Record<string, unknown>, { signal }: TransportRequest, { clock }: Parts): Promise<TransportResponse> {
  if (deed === 'hang') return never(signal);
  await clock.sleep(deed === 'slow' ? slowMs : usualMs);
  signal.throwIfAborted();
  if (deed === 'refused') throw systemError('ECONNREFUSED');
  if (deed === 'reset') throw systemError('ECONNRESET');
  if (deed === 'redirect') return json(307, {}, { location: 'https://stranger.example.com/v1/chat/completions' });
  if (deed === 'answer' || deed === 'slow' || deed === 'cut' || deed === 'stall') return answer(deed, body, signal, clock);
  const [status, error] = sayings[deed] ?? [500, { message: 'Internal error' }];
  return json(status, { error }, deed === 'rate_limited' ? { 'retry-after': '1' } : {});
}

/** What servers say for it. */
const sayings: { readonly [Code in ErrorCode]?: readonly [number, Readonly<Record<string, string>>] } = {
  auth: [401, { message: 'Incorrect API key', code: 'invalid_api_key' }],
  quota_exhausted: [429, { message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' }],
  rate_limited: [429, { message: 'Rate limit reached' }],
  model_not_found: [404, { message: 'The model `m` does not exist', code: 'model_not_found' }],
  model_loading: [503, { message: 'Loading model', type: 'unavailable_error' }],
  context_length: [400, { message: "This model's maximum context length is 8 tokens", code: 'context_length_exceeded' }],
  content_filtered: [400, { message: 'The prompt was filtered', code: 'content_filter' }],
  bad_request: [400, { message: 'temperature must be a number' }],
  overloaded: [503, { message: 'The server is overloaded' }],
  out_of_memory: [500, { message: 'CUDA out of memory. Tried to allocate 2.00 GiB' }],
  driver: [500, { message: 'CUDA error: device-side assert triggered' }],
  bad_response: [200, { message: 'none' }],
};

function answer(deed: Deed, body: Record<string, unknown>, signal: AbortSignal, clock: VirtualClock): TransportResponse {
  const half = deed === 'cut' || deed === 'stall';
  if ('input' in body) return half ? json(200, {}) : json(200, { ...toVectors(body as unknown as EmbedRequest, deed) });
  if (body['stream'] !== true) return half ? json(200, {}) : json(200, { ...toAnswer(deed, 'm') });
  const events = ['an ', 'answer'].map((content) => JSON.stringify(toChunk({ content }, 'm')));
  const pieces = [...events, JSON.stringify({ ...toChunk({}, 'm'), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), '[DONE]'];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const [index, piece] of pieces.entries()) {
      await clock.sleep(usualMs);
      if (index === 1 && deed === 'cut') throw systemError('ECONNRESET');
      if (index === 1 && deed === 'stall') await never(signal);
      yield new TextEncoder().encode(`data: ${piece}\n\n`);
    }
  };
  return { ...json(200, {}, { 'content-type': 'text/event-stream' }), body: NodeStream.from(source()) as ReadableStream<Uint8Array> };
}

function json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): TransportResponse {
  const text = JSON.stringify(value);
  const all: Readonly<Record<string, string>> = { 'content-type': 'application/json', 'content-length': String(text.length), ...headers };
  return {
    status,
    header: (name) => (status === 200 && headers['content-type'] && name === 'content-length' ? null : (all[name.toLowerCase()] ?? null)),
    body: ReadableStream.from([new TextEncoder().encode(text)]) as ReadableStream<Uint8Array>,
    text: async () => text,
  };
}

function systemError(code: string): Error {
  return Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error('what the system said'), { code }) });
}
