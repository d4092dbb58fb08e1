import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatRequest, createRouter, isRouterError, type ProviderOptions, type Router } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { type BackendProcess, type Report, startBackend } from './backend-process.ts';

/** What was under way when the backend was killed, and what became of it. */
export interface Scene {
  readonly signal: NodeJS.Signals;
  /** As the killed backend counted them just before. */
  readonly held: Report;
  readonly chats: readonly Ending[];
  /** Streams that had brought no content yet. */
  readonly waiting: readonly Ending[];
  /** Streams whose content was flowing. */
  readonly flowing: readonly Ending[];
  readonly ms: number;
}

export interface Ending {
  readonly id: number;
  readonly how: 'answered' | 'failed' | 'unsettled';
  /** The code of the error; `foreign` where it is none of the router's. */
  readonly code: string | undefined;
  readonly text: string;
  /** Whom the call was sent to, in order. */
  readonly asked: readonly string[];
}

/** Calls at one kill: as many chats as streams, and half of the streams with content. */
export const calls = { chats: 64, waiting: 32, flowing: 32 } as const;
/**
 * A stopped process keeps its connections and says nothing, so that only limits help; these are long enough for the start. The deadline
 * of a stream helps nobody in time.
 */
const limits = { deadlineMs: 60_000, timeouts: { firstTokenMs: 1_500, idleMs: 1_000 } } as const;
const chatDeadlineMs = 5_000;
const settleMs = 8_000;

interface Call {
  readonly id: number;
  readonly done: Promise<unknown>;
  readonly asked: readonly string[];
  text: string;
}

/** Starts a backend, fills it with calls, kills it, and sees how the calls end. */
export async function playKill(signal: NodeJS.Signals, healthy: BackendProcess, canaries: Canaries): Promise<Scene> {
  await using doomed = await startBackend('holds', canaries);
  await using router = createRouter({
    ...limits,
    checkModels: false,
    health: false,
    pollMs: false,
    providers: providersOf(doomed, healthy, canaries),
  });
  canaries.watch(router);
  const start = starter(router);
  const begin = (count: number, wheres: readonly string[], verb: (request: ChatRequest, call: Call) => Promise<void>): Call[] =>
    Array.from({ length: count }, (_, id) => start(id, plantedChat(canaries, `${wheres[id % wheres.length]}:${id}`), verb));
  const chats = begin(calls.chats, ['silent', 'head', 'half'], async (request, call) => {
    const answer = await router.chat(request, { deadlineMs: chatDeadlineMs });
    call.text = answer.choices[0]?.message.content ?? '';
    canaries.look('route', answer.route);
  });
  const read = async (request: ChatRequest, call: Call): Promise<void> => {
    const stream = await router.stream(request);
    for await (const { choices } of stream) call.text += choices[0]?.delta.content ?? '';
    canaries.look('route', stream.route);
  };
  const waiting = begin(calls.waiting, ['silent', 'head', 'role'], read);
  const flowing = begin(calls.flowing, ['flow'], read);
  const held = await untilFull(doomed, flowing);
  const startMs = performance.now();
  doomed.kill(signal);
  const [endedChats, endedWaiting, endedFlowing] = await Promise.all([chats, waiting, flowing].map((list) => endingsOf(list, canaries)));
  canaries.look('snapshot', router.snapshot());
  const ms = performance.now() - startMs;
  return { signal, held, chats: endedChats ?? [], waiting: endedWaiting ?? [], flowing: endedFlowing ?? [], ms };
}

function providersOf(doomed: BackendProcess, healthy: BackendProcess, canaries: Canaries): Record<string, ProviderOptions> {
  return {
    first: plantedProvider(canaries, doomed.url, 'key'),
    second: { ...plantedProvider(canaries, healthy.url, 'url'), priority: 1 },
  };
}

/** Begins calls, and notes whom each one is sent to: the events of a call begin while it is being made. */
function starter(router: Router): (id: number, request: ChatRequest, verb: (request: ChatRequest, call: Call) => Promise<void>) => Call {
  const asked = new Map<string, string[]>();
  let latest: string[] = [];
  router.on('request:start', ({ requestId }) => asked.set(requestId, (latest = [])));
  router.on('attempt:start', ({ requestId, provider }) => asked.get(requestId)?.push(provider));
  return (id, request, verb) => {
    const call = { id, text: '' };
    const done = verb(request, call as Call);
    done.catch(() => undefined);
    return Object.assign(call, { done, asked: latest });
  };
}

/** Waits until everything is under way there and each flowing stream has brought content. */
async function untilFull(doomed: BackendProcess, flowing: readonly Call[]): Promise<Report> {
  for (let round = 0; ; round++) {
    const report = await doomed.report();
    const isFull = report.chats === calls.chats && report.streams === calls.waiting + calls.flowing;
    if ((isFull && flowing.every(({ text }) => text !== '')) || round === 200) return report;
    await sleep(10);
  }
}

async function endingsOf(list: readonly Call[], canaries: Canaries): Promise<Ending[]> {
  const late = sleep(settleMs, 'late', { ref: false });
  return Promise.all(list.map((call) => endingOf(call, late, canaries)));
}

async function endingOf(call: Call, late: Promise<string>, canaries: Canaries): Promise<Ending> {
  const { id, asked } = call;
  try {
    const how = (await Promise.race([call.done, late])) === 'late' ? 'unsettled' : 'answered';
    return { id, asked, how, code: undefined, text: call.text };
  } catch (error) {
    canaries.look('error', error);
    return { id, asked, how: 'failed', code: isRouterError(error) ? error.code : 'foreign', text: call.text };
  }
}
