import { setTimeout as sleep } from 'node:timers/promises';
import { streamShapes } from '../fake/sizes.ts';
import { median } from '../median.ts';
import { checkedStream } from './checks.ts';
import {
  type Block,
  clientOf,
  countedMs,
  cpuPerUnit,
  figure,
  figuresAlone,
  leadInMs,
  measured,
  measuredForAWhile,
  nowMicros,
  repeat,
  repeatFor,
  type Scenario,
  type Subject,
} from './scenario.ts';

const pacedStreams = 32;
/** So many at once in the round that is not counted. */
const pacedToWarmUp = 128;

export const paced: Scenario = {
  id: 'paced',
  about: `CPU time per event that comes alone: ${pacedStreams} streams at once, begun one millisecond after the other, each of ${streamShapes.paced.events} events, one each ${streamShapes.paced.everyMs} ms; the request and the end of a stream are in it`,
  metrics: [{ id: 'cpu', label: 'paced event', unit: 'µs CPU', digits: 1, of: cpuPerUnit }],
  roundsOfFour: 3,
  warmUpMs: 1_000,
  isFor: ({ client }) => client !== undefined,
  run: (subject) => runPaced(subject, pacedStreams),
  warmUp: (subject) => runPaced(subject, pacedToWarmUp),
};

async function runPaced(subject: Subject, streams: number): Promise<Block> {
  const client = clientOf(subject);
  const begin = async (index: number): Promise<void> => {
    await sleep(index);
    await checkedStream(client, 'paced');
  };
  await repeat(() => checkedStream(client, 'quick'), streams * 2, streams);
  return measured(streams * streamShapes.paced.events, () => repeat(begin, streams, streams));
}

const fullStreams = 2;

export const full: Scenario = {
  id: 'full',
  about: `CPU time per event at full speed: ${fullStreams} streams at once of ${streamShapes.full.events} events, each in an HTTP chunk of its own, ${streamShapes.full.burst} chunks in one write of the server, one write in a turn of its loop, as fast as the client reads; again and again for ${countedMs} ms a round, after ${leadInMs} ms that are not counted`,
  metrics: [{ id: 'cpu', label: 'full-speed event', unit: 'µs CPU', digits: 1, of: cpuPerUnit }],
  roundsOfFour: 3,
  warmUpMs: 900,
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const block = await measuredForAWhile(() => checkedStream(client, 'full'), fullStreams);
    return { ...block, units: block.units * streamShapes.full.events };
  },
};

const firstTokens = 50;
/** Whoever has not had that many after this is slow enough for fewer to tell. */
const firstTokensMs = 400;
/** So many at once in the round that is not counted. */
const streamsToWarmUp = 8;

export const ttft: Scenario = {
  id: 'ttft',
  about: `time from the call to the first text of a stream, one stream after the other, median of ${firstTokens} a round, or of as many as ${firstTokensMs} ms allow, after ${leadInMs} ms that are not counted`,
  warmUpMs: 1_200,
  metrics: [{ id: 'wall', label: 'first token', unit: 'µs', digits: 0, of: figure('firstMicros') }],
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const firstMicros: number[] = [];
    const call = async (): Promise<void> => {
      const startMicros = nowMicros();
      await checkedStream(client, 'quick', () => firstMicros.push(nowMicros() - startMicros));
    };
    await repeatFor(call, leadInMs, 1);
    firstMicros.length = 0;
    const endsAtMs = performance.now() + firstTokensMs;
    while (firstMicros.length < firstTokens && performance.now() < endsAtMs) await call();
    return figuresAlone({ firstMicros: median(firstMicros) });
  },
  warmUp: (subject) => measuredForAWhile(() => checkedStream(clientOf(subject), 'quick'), streamsToWarmUp),
};

const openStreams = 1_000;

export const open: Scenario = {
  id: 'open',
  about: `memory per open stream with ${openStreams} of them open, each after its first event: the difference of \`process.memoryUsage()\` before and after, each time after \`gc()\`, in a process of its own that has had 40 streams before`,
  metrics: [
    { id: 'rss', label: 'RSS per open stream', unit: 'KB', digits: 1, of: figure('rssKb') },
    { id: 'heap', label: 'heap per open stream', unit: 'KB', digits: 1, of: figure('heapKb') },
  ],
  isFresh: true,
  roundsOfFour: 2,
  isFor: ({ client, candidate }) => client !== undefined && !candidate.hasGateway,
  async run(subject) {
    const client = clientOf(subject);
    const controller = new AbortController();
    await repeat(() => checkedStream(client, 'quick'), 40, 8);
    const before = await settledMemory();
    let count = 0;
    const first = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const onText = (): void => {
          count += 1;
          resolve();
        };
        client.stream('held', onText, controller.signal).then(resolve, reject);
      });
    await repeat(first, openStreams, 50);
    const after = await settledMemory();
    if (count !== openStreams) throw new Error(`${count} of ${openStreams} streams are open.`);
    // Whoever started this process ends it, and all of its streams.
    const perStreamKb = (of: 'rss' | 'heapUsed'): number => (after[of] - before[of]) / 1_024 / openStreams;
    return figuresAlone({ rssKb: perStreamKb('rss'), heapKb: perStreamKb('heapUsed') });
  },
};

async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await sleep(30);
  }
  return process.memoryUsage();
}
