import type { Transport, TransportRequest, TransportResponse } from '../../../src/index.ts';
import { openBody, streamJourney, wholeJourney } from './bodies.ts';
import { type Does, faultKind } from './fault-kinds.ts';
import { errorBody, headersOf } from './sayings.ts';
import { closeCall, failsHealth, type FakeBackend, openCall, pace, systemError, type UpstreamCall, type World } from './upstream.ts';
import { wireFormats } from './wires.ts';

const hostEnd = '.sim.test';

/** The address of a fake backend on the scripted network. */
export function addressOf(id: string): string {
  return `http://${id}${hostEnd}`;
}

/** The only network there is: answers at virtual times, from nobody but the fake backends. */
export function scriptedTransport(world: World): Transport {
  const byHost = new Map(world.backends.filter(({ on }) => on === 'wire').map((backend) => [backend.id + hostEnd, backend]));
  return {
    async send(request) {
      const pathAt = request.url.indexOf('/', 'http://'.length);
      const backend = byHost.get(request.url.slice('http://'.length, pathAt));
      if (backend === undefined) {
        world.leaks.push(`a request went to ${request.url.slice(0, 60)}`);
        throw systemError('ENOTFOUND');
      }
      checkKeys(world, backend, request);
      world.onSent?.([request.headers, request.body]);
      const path = request.url.slice(pathAt);
      if (request.method === 'GET') return tell(world, backend, path, request);
      return answer(world, backend, path, request);
    },
  };
}

/** Its own key has to be there, and no other one. */
function checkKeys(world: World, { key, id }: FakeBackend, { headers }: TransportRequest): void {
  const all = Object.values(headers).join('\n');
  if (!all.includes(key)) world.leaks.push(`${id} got no key of its own`);
  for (const other of world.backends) if (other.id !== id && all.includes(other.key)) world.leaks.push(`${id} got the key of ${other.id}`);
}

async function answer(world: World, backend: FakeBackend, path: string, request: TransportRequest): Promise<TransportResponse> {
  const sent = request.body ?? '';
  const { signal } = request;
  const format = wireFormats[backend.format];
  const call = openCall(world, backend, format.verbOf(path, sent), sent);
  const { does } = faultKind(call.kind);
  try {
    await waitHead(world, call, does, signal);
  } catch (error) {
    closeCall(world, call);
    throw error;
  }
  if (does.type === 'status') {
    const body = errorBody(does.says ?? 'plain', does.status, call, world);
    const type = does.says === 'html' ? 'text/html' : 'application/json';
    const journey = { ...wholeJourney(world, call, body, does), frames: [{ text: body, tokens: 0, isTerminal: false }] };
    return response(does.status, { 'content-type': type, ...headersOf(does.headers, world) }, openBody(world, call, journey, signal));
  }
  if (call.verb === 'stream' && (does.type === 'answers' || does.type === 'breaks')) {
    const type = backend.format === 'ollama' ? 'application/x-ndjson' : 'text/event-stream';
    return response(200, { 'content-type': type }, openBody(world, call, streamJourney(world, call, does), signal));
  }
  const text = wholeText(call, sent, does);
  const length = world.dice.chance(0.5) ? { 'content-length': String(Buffer.byteLength(text)) } : {};
  const body = openBody(world, call, wholeJourney(world, call, text, does), signal);
  return response(200, { 'content-type': 'application/json', ...length }, body);
}

function wholeText(call: UpstreamCall, sent: string, does: Does): string {
  const format = wireFormats[call.backend.format];
  if (does.type === 'wrong' && does.says === 'shape') return '{"object":"odd","choices":[],"message":null}';
  if (call.verb !== 'embed') return format.answer(call.tokens.join(''));
  const inputs = (JSON.parse(sent) as { input: string | string[] }).input;
  const count = typeof inputs === 'string' ? 1 : inputs.length;
  return format.vectors(does.type === 'wrong' ? count + 1 : count);
}

/** Until the head of the response: rejects with what the network says, or with the reason of the signal. */
function waitHead(world: World, call: UpstreamCall, does: Does, signal: AbortSignal): Promise<void> {
  const { headMs } = pace(world, does.type === 'answers' && does.pace === 'slow');
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    let cancel: (() => void) | undefined;
    const onAbort = (): void => {
      closeCall(world, call);
      cancel?.();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (does.type === 'hangs') return;
    cancel = world.clock.at(headMs, () => {
      signal.removeEventListener('abort', onAbort);
      if (does.type === 'throws') reject(systemError(does.system, does.bytesRead));
      else resolve();
    });
  });
}

function tell(world: World, backend: FakeBackend, path: string, request: TransportRequest): Promise<TransportResponse> {
  if (path.endsWith('/health')) return tellHealth(world, request);
  const isLoad = path.endsWith('/api/ps') || path.endsWith('/metrics');
  const { tells, vramShare } = backend.machine;
  if (!isLoad || tells === undefined) return tellModels(world, request);
  return tellLoad(world, backend, path, { vramShare, isTrue: tells === 'truth' || tells === 'mixed' });
}

const modelBytes = 8_000_000_000;

/** How busy it is, or what it has in memory, as its kind tells it; where that is not true it is another program that answers. */
async function tellLoad(
  { clock, calls, polls }: World,
  { id, format }: FakeBackend,
  path: string,
  { vramShare, isTrue }: { readonly vramShare: number; readonly isTrue: boolean },
): Promise<TransportResponse> {
  polls.open += 1;
  await new Promise<void>((resolve) => clock.at(20, resolve));
  polls.open -= 1;
  if (!isTrue) return response(200, { 'content-type': 'text/html' }, null, '<!doctype html><html><body>Welcome</body></html>');
  polls.told += 1;
  if (path.endsWith('/api/ps')) {
    const models = ['m', 'e'].map((name) => ({ name, model: name, size: modelBytes, size_vram: Math.round(modelBytes * vramShare) }));
    return response(200, { 'content-type': 'application/json' }, null, JSON.stringify({ models }));
  }
  const running = calls.filter(({ backend, closedAtMs }) => backend.id === id && closedAtMs === undefined).length;
  const name = format === 'openai' ? 'vllm' : 'other';
  const text = `# TYPE ${name}:num_requests_running gauge\n${name}:num_requests_running ${running}\n${name}:num_requests_waiting 3\n`;
  return response(200, { 'content-type': 'text/plain' }, null, text);
}

/** By the clock and by nothing else, so that no answer to a call depends on it. */
async function tellHealth(world: World, request: TransportRequest): Promise<TransportResponse> {
  if (!failsHealth(world)) return tellModels(world, request);
  await new Promise<void>((resolve) => world.clock.at(20, resolve));
  return response(500, { 'content-type': 'application/json' }, null, '{"error":{"message":"It is not well"}}');
}

/** Every list and health question there is, in one body that suits all protocols. */
async function tellModels(world: World, { signal }: TransportRequest): Promise<TransportResponse> {
  await new Promise<void>((resolve) => world.clock.at(20, resolve));
  if (signal.aborted) throw signal.reason;
  const names = ['m', 'e'];
  const models = names.map((name) => ({ name, model: name }));
  const text = JSON.stringify({
    object: 'list',
    data: names.map((id) => ({ id, object: 'model' })),
    models,
    version: '1.0',
    has_more: false,
  });
  return response(200, { 'content-type': 'application/json', 'content-length': String(text.length) }, null, text);
}

function response(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: ReadableStream<Uint8Array> | null,
  known = '',
): TransportResponse {
  return {
    status,
    header: (name) => headers[name.toLowerCase()] ?? null,
    body,
    async text() {
      if (body === null) return known;
      const decoder = new TextDecoder();
      let text = '';
      for await (const piece of body) text += decoder.decode(piece, { stream: true });
      return text + decoder.decode();
    },
  };
}
