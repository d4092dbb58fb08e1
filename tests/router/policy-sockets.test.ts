import { Socket } from 'node:net';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { isRouterError } from '../../src/core/errors.ts';
import type { Locality } from '../../src/core/locality.ts';
import type { EmbedRequest } from '../../src/core/types.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { hello, readAll } from '../_kit/fake-router.ts';
import { type Loopback, loopback, type LoopbackRequest, type Script } from '../_kit/loopback.ts';

interface Door {
  /** Every host that a connection was asked for, but for the loopback. Nothing of that leaves this machine. */
  readonly elsewhere: readonly string[];
  readonly atHome: readonly string[];
}

/** Stands where every connection of this process begins, before names are looked up. */
function watchTheDoor(): Door {
  const [elsewhere, atHome]: [string[], string[]] = [[], []];
  // Whatever makes the socket (fetch, TLS, node:http) calls this one.
  const connect = Socket.prototype.connect as (this: Socket, ...options: unknown[]) => Socket;
  const watched = function (this: Socket, ...given: unknown[]): Socket {
    const [options] = (Array.isArray(given[0]) ? given[0] : given) as [{ readonly host?: string; readonly path?: string }];
    const host = options.host ?? options.path ?? 'localhost';
    if (/^127(?:\.\d+){3}$/.test(host)) {
      atHome.push(host);
      return connect.apply(this, given);
    }
    elsewhere.push(host);
    process.nextTick(() => this.destroy(Object.assign(new Error('shut'), { code: 'ECONNREFUSED' })));
    return this;
  };
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(watched as typeof Socket.prototype.connect);
  return { elsewhere, atHome };
}

const far = 'https://far.example.com/v1/chat/completions';
const message = (content: string): object => ({ choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] });
const piece = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const events = { 'content-type': 'text/event-stream' };

/** What a server on this machine does with a call. */
const deeds = {
  answers: ({ path, body }) => {
    if (path.endsWith('/embeddings')) return { pieces: [JSON.stringify({ object: 'list', data: [{ index: 0, embedding: [1, 0] }] })] };
    const isStream = (body as { readonly stream?: boolean }).stream === true;
    return isStream ? { headers: events, pieces: [piece('yes'), 'data: [DONE]\n\n'] } : { pieces: [JSON.stringify(message('yes'))] };
  },
  'is reset': () => ({ pieces: [], after: 'reset' }),
  'is cut in its stream': () => ({ headers: events, pieces: [piece('half')], after: 'cut' }),
  'is reset in its stream': () => ({ headers: events, pieces: [piece('half')], after: 'reset' }),
  'falls silent in its stream': () => ({ headers: events, pieces: [piece('half')], after: 'hang' }),
  'says nothing': () => ({ pieces: [], after: 'hang' }),
  'says 500': () => ({ status: 500, pieces: ['{"error":{"message":"Internal error"}}'] }),
  'says 503': () => ({ status: 503, pieces: ['{"error":{"message":"overloaded"}}'] }),
  'asks for a pause': () => ({ status: 429, headers: { 'retry-after': '1' }, pieces: ['{"error":{"message":"Rate limit reached"}}'] }),
  'runs out of memory': () => ({ status: 500, pieces: ['{"error":{"message":"CUDA out of memory. Tried to allocate 2 GiB"}}'] }),
  'lacks the model': () => ({ status: 404, pieces: ['{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}'] }),
  'wants a key': () => ({ status: 401, pieces: ['{"error":{"message":"Incorrect API key"}}'] }),
  'holds no such prompt': () => ({ status: 400, pieces: ['{"error":{"message":"maximum context length is 8 tokens"}}'] }),
  'points elsewhere': () => ({ status: 307, headers: { location: far }, pieces: [] }),
  'points elsewhere for good': () => ({ status: 301, headers: { location: far }, pieces: [] }),
  'answers with a web page': () => ({ headers: { 'content-type': 'text/html' }, pieces: ['<html>sign in</html>'] }),
} satisfies Record<string, (request: LoopbackRequest) => Script>;

type Deed = keyof typeof deeds;

interface Scripted {
  /** Of the two servers on this machine, call by call, and from the first again. */
  readonly scripts: readonly (readonly Deed[])[];
  readonly limitedBy: 'the router' | 'the intent' | 'the call';
  readonly farFirst: boolean;
  readonly options: Pick<RouterOptions, 'hedge' | 'panic' | 'onAllOpen' | 'onStreamFailure' | 'balance' | 'breaker'>;
}

const anyDeeds = fc.array(fc.oneof(fc.constant('answers' as const), fc.constantFrom(...(Object.keys(deeds) as Deed[]))), {
  minLength: 1,
  maxLength: 4,
});

const anyScript: fc.Arbitrary<Scripted> = fc.record({
  scripts: fc.tuple(anyDeeds, anyDeeds),
  limitedBy: fc.constantFrom('the router', 'the intent', 'the call'),
  farFirst: fc.boolean(),
  options: fc.record({
    hedge: fc.constantFrom(false, { minSamples: 1, minDelayMs: 1, maxLoad: 1 }),
    panic: fc.constantFrom('off', 'soonest'),
    onAllOpen: fc.constantFrom('fail', 'wait'),
    onStreamFailure: fc.constantFrom('error', 'restart', 'continue'),
    balance: fc.constantFrom('priority', 'weighted', 'least-busy', 'expected-ttft'),
    breaker: fc.constantFrom({ failureThreshold: 1, openMs: 20 }, { failureThreshold: 3 }),
  }),
});

/** Where no request may go. The last one listens here, and says that it passes requests on. */
function farProviders(proxy: Loopback): Record<string, ProviderOptions> {
  return {
    lan: { type: 'vllm', url: 'http://10.255.255.1:8000' },
    named: { type: 'llamacpp', url: 'http://box:8080' },
    tunnel: { type: 'openai-compatible', url: 'https://abc.ngrok-free.app' },
    anthropic: { type: 'anthropic', apiKey: 'k' },
    openai: { type: 'openai', apiKey: 'k', cost: 'free', device: 'gpu', priority: -1 },
    proxy: { type: 'vllm', url: proxy.url, locality: 'cloud', priority: -1 },
  };
}

const input: EmbedRequest = { model: 'm', input: 'Hello!' };

/** A failure that is one of ours: nobody answered. */
function nobody(error: unknown): undefined {
  expect(isRouterError(error)).toBe(true);
}

/** Who answered each call; undefined where it failed. Each one after the first has found out what the one before it met with. */
async function carryOut({ scripts, limitedBy, farFirst, options }: Scripted, maxLocality: Locality): Promise<(string | undefined)[]> {
  const turns = [0, 0];
  const serve = (index: number) => (request: LoopbackRequest) => {
    const script = scripts[index] as readonly Deed[];
    return deeds[script[(turns[index] as number)++ % script.length] as Deed](request);
  };
  await using first = await loopback(serve(0));
  await using second = await loopback(serve(1));
  await using proxy = await loopback(deeds.answers);
  const near: Record<string, ProviderOptions> = {
    first: { type: 'vllm', url: first.url },
    second: { type: 'vllm', url: second.url },
    // Nobody listens at this address of the loopback, whatever the port.
    gone: { type: 'vllm', url: first.url.replace('127.0.0.1', '127.0.0.2') },
  };
  const others = farProviders(proxy);
  const limit = { maxLocality };
  await using router = createRouter({
    ...options,
    ...(limitedBy === 'the router' && limit),
    intents: { private: { allowPaid: true, ...(limitedBy === 'the intent' && limit) } },
    defaultIntent: 'private',
    checkModels: false,
    health: false,
    pollMs: false,
    deadlineMs: 500,
    timeouts: { firstTokenMs: 100, idleMs: 100, totalMs: 150 },
    providers: farFirst ? { ...others, ...near } : { ...near, ...others },
  });
  const ask = { ...hello, max_tokens: 9 };
  const given = limitedBy === 'the call' ? limit : {};
  const round = [
    () => router.chat(ask, given).then(({ route }) => route.provider),
    () =>
      router.stream(ask, given).then(async (stream) => ((await readAll(stream)).failure === undefined ? stream.route.provider : undefined)),
    () => router.embed(input, given).then(({ route }) => route.provider),
  ];
  const answered: (string | undefined)[] = [];
  for (const _ of [1, 2]) answered.push(...(await Promise.all(round.map((call) => call().catch(nobody)))));
  if (maxLocality === 'host') expect(proxy.connections()).toBe(0);
  return answered;
}

test(
  'a call that may not leave this machine opens no connection elsewhere, whatever the servers here do',
  { timeout: 300_000 },
  async () => {
    const door = watchTheDoor();
    const scripts = fc.sample(anyScript, 200);
    const by = new Map<string | undefined, number>();
    const carryOutAll = async (): Promise<void> => {
      for (let next = scripts.pop(); next !== undefined; next = scripts.pop()) {
        for (const provider of await carryOut(next, 'host')) by.set(provider, (by.get(provider) ?? 0) + 1);
      }
    };
    // They mostly wait.
    await Promise.all(Array.from({ length: 8 }, carryOutAll));
    expect(door.elsewhere).toEqual([]);
    expect([...by.keys()].toSorted()).toEqual(['first', 'second', undefined]);
    expect(Math.min(...by.values())).toBeGreaterThan(40);
    expect(door.atHome.length).toBeGreaterThan(200);
  },
);

test('the door sees connections elsewhere, where the same calls are allowed to make them', { timeout: 30_000 }, async () => {
  const door = watchTheDoor();
  const silent: Scripted = { scripts: [['says 500'], ['says 500']], limitedBy: 'the call', farFirst: true, options: {} };
  await carryOut(silent, 'cloud');
  expect(door.elsewhere).toContain('api.openai.com');
  await carryOut(silent, 'lan');
  expect(door.elsewhere).toContain('10.255.255.1');
});
