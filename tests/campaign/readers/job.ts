import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatChunk, type ChatRequest, createRouter, type Router } from '../../../src/index.ts';
import { event } from '../../_kit/openai-bytes.ts';
import { type Canaries, createCanaries } from '../_kit/canaries.ts';
import { atLeast, atMost, exactly, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { percentile, spreadOf } from '../_kit/numbers.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { startProgram } from '../_kit/program.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { runFrozen } from './frozen.ts';
import { readKernelQueues } from './kernel.ts';
import type { Question, Writer } from './server.ts';

const figures = {
  paused: 'streams paused',
  stopped: 'paused streams whose server the system lets write no more',
  buffered: 'bytes kept in this process for one paused stream, at most',
  pause: 'length of the pause',
  idle: 'paused streams that were broken off or lost a token',
  beside: 'chats beside them that were answered',
  slowdown: 'median of chats beside paused streams, as a multiple of that without them',
  slow: 'tokens that slow readers got',
  disorder: 'slow readers that got a token twice, none, or out of order',
  frozen: 'answers and streams read by a program with a frozen Object.prototype and without __proto__',
} as const;

const idleMs = 300;
const streams = 100;
/** Tokens read before the pause: more than come with the first read, so that the stream has waited for another. */
const tokensBefore = 1_000;
/** Tokens read after the pause of most streams. */
const tokensAfter = 500;
/** Of some streams everything is read that was kept anywhere, and as much as this of what was written after the pause. */
const readWhole = 3;
const tokensBeyond = 1_000;
/** An event is larger than this. */
const leastEventBytes = 120;

export const job: Job = {
  name: 'readers',
  about: 'a reader that stops or is slow fills no memory, is no timeout, loses nothing and disturbs nobody',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed): Promise<JobReport> {
    const canaries = createCanaries(seed);
    using _output = canaries.watchOutput();
    await using server = await startProgram<Question, unknown>(new URL('./server.ts', import.meta.url));
    const port = Number(await server.ask({ ask: 'port' }));
    await using router = createRouter(optionsFor(`http://127.0.0.1:${port}`, canaries));
    canaries.watch(router);
    const stage: Stage = {
      router,
      port,
      request: plantedChat(canaries, canaries.of.completion),
      writers: () => server.ask({ ask: 'writers' }) as Promise<Writer[]>,
    };
    await chats(stage, 50);
    const before = await chats(stage, size === 'long' ? 1_000 : 200);
    const paused = await pauseMany(stage, size === 'long' ? 3_000 : 1_000, () => chats(stage, size === 'long' ? 1_000 : 200));
    const slow = await readSlowly(stage, size);
    const frozen = await runFrozen(port);
    const slowdown = percentile(paused.beside, 0.5) / percentile(before, 0.5);
    return {
      figures: [
        exactly(figures.paused, streams, paused.count),
        exactly(figures.stopped, streams, paused.stopped),
        atMost(figures.buffered, 1024 * 1024, paused.buffered.length === streams ? Math.max(...paused.buffered) : Number.NaN),
        atLeast(figures.pause, 3 * idleMs, paused.pauseMs, ' ms'),
        exactly(figures.idle, 0, paused.broken),
        exactly(figures.beside, before.length, paused.beside.length),
        atMost(figures.slowdown, size === 'long' ? 1.2 : 3, slowdown),
        exactly(figures.slow, slow.expected, slow.tokens),
        exactly(figures.disorder, 0, slow.disordered),
        exactly(figures.frozen, 2, frozen),
        ...figuresOfCanaries(canaries.hits, (await server.ask({ ask: 'kinds' })) as string[]),
      ],
      detail: {
        buffered: spreadOf(paused.buffered),
        written: spreadOf(paused.written),
        heapPerStreamBytes: paused.heapBytes / streams,
        before: spreadOf(before),
        beside: spreadOf(paused.beside),
        hits: canaries.hits,
      },
    };
  },
};

interface Stage {
  readonly router: Router;
  readonly port: number;
  readonly request: ChatRequest;
  writers(): Promise<Writer[]>;
}

function optionsFor(url: string, canaries: Canaries): Parameters<typeof createRouter>[0] {
  const models = { endless: { endless: 'tiny' }, finite: { finite: 'tiny' } };
  const endless = plantedProvider(canaries, `${url}/endless`, 'key');
  const finite = plantedProvider(canaries, `${url}/finite`, 'url');
  return {
    checkModels: false,
    health: false,
    pollMs: false,
    timeouts: { firstTokenMs: 20_000, idleMs },
    models,
    providers: { endless, finite },
  };
}

/** How long each of so many chats took, one after the other. */
async function chats({ router, request }: Stage, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const startMs = performance.now();
    await router.chat({ ...request, model: 'finite' });
    times.push(performance.now() - startMs);
  }
  return times;
}

interface Paused {
  readonly count: number;
  readonly stopped: number;
  readonly buffered: readonly number[];
  readonly pauseMs: number;
  readonly broken: number;
  readonly beside: readonly number[];
  readonly heapBytes: number;
  /** Bytes that the system took of each stream before it stopped. */
  readonly written: readonly number[];
}

/** Opens streams, takes one token of each, looks what piles up while nobody reads, and reads on. */
async function pauseMany(stage: Stage, leastMs: number, beside: () => Promise<number[]>): Promise<Paused> {
  const { router, request } = stage;
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const readers = await Promise.all(
    Array.from({ length: streams }, async () => {
      const chunks = (await router.stream({ ...request, model: 'endless' }))[Symbol.asyncIterator]();
      const isWhole = await readOn(chunks, 0, tokensBefore);
      return { chunks, isWhole };
    }),
  );
  const startMs = performance.now();
  const { writers, buffered } = await settled(stage);
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  const times = await beside();
  await sleep(Math.max(0, leastMs - (performance.now() - startMs)));
  const pauseMs = performance.now() - startMs;
  const most = Math.max(...writers.map(({ bytes }) => bytes)) / leastEventBytes + tokensBeyond;
  const ends = await Promise.all(
    readers.map(({ chunks }, at) => readOn(chunks, tokensBefore, tokensBefore + (at < readWhole ? most : tokensAfter), true)),
  );
  return {
    count: readers.length,
    stopped: writers.filter(({ isStopped }) => isStopped).length,
    buffered,
    pauseMs,
    broken: ends.filter((isWhole, at) => !isWhole || readers[at]?.isWhole !== true).length,
    beside: times,
    heapBytes,
    written: writers.map(({ bytes }) => bytes),
  };
}

/** What the readers have got, without the framing around it. */
const takenBytes = Array.from({ length: tokensBefore }, (_, at) => event(`${at} `).length).reduce((sum, bytes) => sum + bytes, 0);

/** Waits until the system takes no more of any stream, and gives what it does not keep itself: that is in this process. */
async function settled({ writers: ask, port }: Stage): Promise<{ writers: Writer[]; buffered: number[] }> {
  let writers = await ask();
  for (let round = 0, known = -1; round < 100; round++) {
    const total = writers.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total === known) break;
    known = total;
    await sleep(200);
    writers = await ask();
  }
  const queues = await readKernelQueues(port);
  // Where the system does not tell its queues, all that was written counts, and a system that keeps much misses the goal.
  return { writers, buffered: writers.map(({ bytes, clientPort }) => bytes - takenBytes - (queues?.of(clientPort) ?? 0)) };
}

/** True where the tokens go on where they had stopped. */
async function readOn(chunks: AsyncIterator<ChatChunk>, from: number, to: number, isLast: boolean = false): Promise<boolean> {
  try {
    for (let token = from; token < to; token++) {
      const { done, value } = await chunks.next();
      if (done === true || textOf(value) !== `${token} `) return false;
    }
    if (isLast) await chunks.return?.();
    return true;
  } catch {
    return false;
  }
}

function textOf(chunk: ChatChunk): string {
  return chunk.choices[0]?.delta.content ?? '';
}

/** Readers that take longer over a token than the server, and one pause that is longer than the limit of silence. */
async function readSlowly({ router, request }: Stage, size: Size): Promise<{ expected: number; tokens: number; disordered: number }> {
  const count = size === 'long' ? 20 : 5;
  const tokens = size === 'long' ? 2_000 : 200;
  const messages = [...request.messages, { role: 'user' as const, content: `tokens:${tokens}` }];
  const texts = await Promise.all(
    Array.from({ length: count }, async () => {
      const read: string[] = [];
      for await (const chunk of await router.stream({ ...request, messages, model: 'finite' })) {
        const text = textOf(chunk);
        if (text !== '') read.push(text);
        await sleep(read.length === 10 ? 2 * idleMs : 2);
      }
      return read;
    }),
  );
  const right = Array.from({ length: tokens }, (_, at) => `${at} `).join('');
  return {
    expected: count * tokens,
    tokens: texts.flat().length,
    disordered: texts.filter((text) => text.join('') !== right).length,
  };
}
