import { setTimeout as sleep } from 'node:timers/promises';
import type * as Inferlane from '../../src/index.ts';
import { answerQuestions } from '../../tests/campaign/_kit/program.ts';
import { messages } from '../candidates/by-hand.ts';
import { load } from '../candidates/candidate.ts';
import { oneAt, threeAt } from '../candidates/inferlane.ts';
import { nodeHttp } from '../candidates/node-http.ts';
import { repeat } from '../scenarios/scenario.ts';
import type { Memory, Stretch, Whole } from './figures.ts';
import { createTally, type Tally } from './tally.ts';

// Holds many streams of one kind open, in a process of its own.

export type Kind = 'bare' | 'one' | 'three';

export type ClientQuestion =
  /** `most`: tokens of one stretch whose times are kept. Answered, with the memory before, when every stream has its first token. */
  | { readonly ask: 'open'; readonly kind: Kind; readonly url: string; readonly streams: number; readonly most: number }
  | { readonly ask: 'settle' }
  | { readonly ask: 'stretch'; readonly seconds: number }
  | { readonly ask: 'memory' }
  | { readonly ask: 'end' };

export interface ClientReply {
  readonly openedInMs?: number;
  readonly stretch?: Stretch;
  readonly memory?: Memory;
  readonly whole?: Whole;
}

/** Reads one stream to its end. */
type Read = (onText: (text: string) => void) => Promise<void>;

/** So many requests are without an answer at once. */
const opening = 64;
/** In time for so long, or waited for long enough. */
const calmTimes = 5;
const settleTimes = 80;
const settleMs = 200;
const lateMs = 50;
/** Longer than any run, so that none is cut. */
const deadlineMs = 3_600_000;

async function bare(url: string): Promise<Read> {
  const client = (await nodeHttp()).open?.(url);
  if (client === undefined) throw new Error('The bare loop has no client.');
  return (onText) => client.stream('paced', onText);
}

const through =
  (providersAt: typeof oneAt) =>
  async (url: string): Promise<Read> => {
    const { createRouter } = await load<typeof Inferlane>('../../dist/index.js');
    const router = createRouter({ providers: providersAt(url), deadlineMs });
    return async (onText) => {
      for await (const { choices } of await router.stream({ model: 'steady', messages })) {
        const content = choices[0]?.delta.content;
        if (content) onText(content);
      }
    };
  };

const readers: Readonly<Record<Kind, (url: string) => Promise<Read>>> = { bare, one: through(oneAt), three: through(threeAt) };

let tally: Tally | undefined;
let ends: readonly Promise<void>[] = [];

async function open({ kind, url, streams, most }: Extract<ClientQuestion, { ask: 'open' }>): Promise<ClientReply> {
  const read = await readers[kind](url);
  const seen = createTally(streams, most);
  tally = seen;
  const memory = await settledMemory();
  const startMs = performance.now();
  const all: Promise<void>[] = [];
  const begin = (stream: number): Promise<void> =>
    new Promise((resolve) => {
      const onText = (text: string): void => {
        seen.take(stream, text);
        resolve();
      };
      const ended = read(onText)
        .then(
          () => seen.end(stream),
          (error: unknown) => seen.fail(stream, error),
        )
        .finally(resolve);
      all.push(ended);
    });
  await repeat(begin, streams, opening);
  ends = all;
  return { memory, openedInMs: performance.now() - startMs };
}

async function stretch(seconds: number): Promise<Stretch> {
  const [cpu, startMs] = [process.cpuUsage(), performance.now()];
  opened().begin();
  await sleep(seconds * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  const cpuShare = (user + system) / 1_000 / (performance.now() - startMs);
  return { ...opened().stop(), cpuShare };
}

/** What has waited while all was opened, or memory was looked at, is in no figure. Who does not catch up is seen in the figures. */
async function settle(): Promise<void> {
  let calm = 0;
  for (let time = 0; time < settleTimes && calm < calmTimes; time++) {
    await sleep(settleMs);
    calm = opened().lateMs() < lateMs ? calm + 1 : 0;
  }
}

async function settledMemory(): Promise<Memory> {
  globalThis.gc?.();
  await sleep(30);
  globalThis.gc?.();
  // At once: the tokens that have waited meanwhile leave garbage.
  const { heapUsed, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, rssBytes: rss };
}

function opened(): Tally {
  if (tally === undefined) throw new Error('No stream is open.');
  return tally;
}

answerQuestions<ClientQuestion, ClientReply>(async (question) => {
  switch (question.ask) {
    case 'open':
      return open(question);
    case 'settle':
      await settle();
      return {};
    case 'stretch':
      return { stretch: await stretch(question.seconds) };
    case 'memory':
      return { memory: await settledMemory() };
    case 'end':
      await Promise.all(ends);
      return { whole: opened().whole() };
  }
});
