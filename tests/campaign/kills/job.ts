import { type Canaries, createCanaries } from '../_kit/canaries.ts';
import { exactly, type Figure, type Job } from '../_kit/job.ts';
import { spreadOf, tally } from '../_kit/numbers.ts';
import { kindsIn } from '../_kit/planted-chat.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { startBackend } from './backend-process.ts';
import { calls, type Ending, playKill, type Scene } from './scene.ts';

const signals = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const;
const pieces = 5;

export const job: Job = {
  name: 'kills',
  about: 'a backend that dies with 64 chats and 64 streams under way loses none of them',
  figures: [
    'kills',
    'signals used',
    'chats under way at the kills',
    'streams under way at the kills',
    'calls that the killed backend was not asked for',
    'chats that failed',
    'streams before content that failed',
    'streams after content that ended with stream_interrupted',
    'streams after content that ended as if they were whole',
    'texts spliced, repeated or with a gap',
    'calls that never settled',
    'rejections and warnings that nobody took',
    ...Object.values(canaryFigures),
  ],
  async run(size, seed) {
    const kills = size === 'long' ? 50 : 3;
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const stopListening = canaries.watchOutput();
    const scenes: Scene[] = [];
    const planted = new Set<string>();
    await using healthy = await startBackend('answers', canaries);
    try {
      for (let kill = 0; kill < kills; kill++) {
        const scene = await playKill(signals[(kill + seed) % signals.length] as NodeJS.Signals, healthy, canaries);
        for (const kind of scene.held.received.flatMap(kindsIn)) planted.add(kind);
        scenes.push(scene);
      }
      for (const kind of (await healthy.report()).received.flatMap(kindsIn)) planted.add(kind);
    } finally {
      watch.stop();
      stopListening();
    }
    const figures = [...figuresOf(scenes, kills, canaries), exactly('rejections and warnings that nobody took', 0, watch.seen.length)];
    return { figures: [...figures, ...figuresOfCanaries(canaries.hits, planted)], detail: detailOf(scenes, watch.seen, canaries) };
  },
};

function figuresOf(scenes: readonly Scene[], kills: number, { of }: Canaries): Figure[] {
  const total = (count: (scene: Scene) => number): number => scenes.reduce((sum, scene) => sum + count(scene), 0);
  const all = scenes.flatMap(({ chats, waiting, flowing }) => [...chats, ...waiting, ...flowing]);
  const flowing = scenes.flatMap((scene) => scene.flowing);
  const isWhole = ({ how, text, id }: Ending): boolean => how === 'answered' && text === textOf('second', id, pieces, of.completion);
  const isPrefix = ({ text, id }: Ending): boolean => text === textOf('first', id, text.split(' ').length - 1, of.completion);
  const broken = scenes
    .flatMap((scene) => [...scene.chats, ...scene.waiting])
    .filter((ending) => ending.how === 'answered' && !isWhole(ending));
  return [
    exactly('kills', kills, scenes.length),
    exactly('signals used', signals.length, new Set(scenes.map(({ signal }) => signal)).size),
    exactly(
      'chats under way at the kills',
      kills * calls.chats,
      total(({ held }) => held.chats),
    ),
    exactly(
      'streams under way at the kills',
      kills * (calls.waiting + calls.flowing),
      total(({ held }) => held.streams),
    ),
    exactly('calls that the killed backend was not asked for', 0, all.filter(({ asked }) => asked[0] !== 'first').length),
    exactly(
      'chats that failed',
      0,
      total(({ chats }) => failed(chats)),
    ),
    exactly(
      'streams before content that failed',
      0,
      total(({ waiting }) => failed(waiting)),
    ),
    exactly(
      'streams after content that ended with stream_interrupted',
      kills * calls.flowing,
      flowing.filter(({ code, text }) => code === 'stream_interrupted' && text !== '').length,
    ),
    exactly('streams after content that ended as if they were whole', 0, flowing.filter(({ how }) => how === 'answered').length),
    exactly('texts spliced, repeated or with a gap', 0, broken.length + flowing.filter((ending) => !isPrefix(ending)).length),
    exactly('calls that never settled', 0, all.filter(({ how }) => how === 'unsettled').length),
  ];
}

function failed(list: readonly Ending[]): number {
  return list.filter(({ how }) => how !== 'answered').length;
}

/** What one backend sends for one call, up to a number of pieces. */
function textOf(backend: string, id: number, count: number, completion: string): string {
  return Array.from({ length: count }, (_, place) => `${backend}:${id}:${place}|${completion} `).join('');
}

function detailOf(scenes: readonly Scene[], seen: readonly string[], { hits }: Canaries): Record<string, unknown> {
  const endings = scenes.flatMap(({ signal, chats, waiting, flowing }) => [
    ...chats.map((ending) => `${signal} chat ${nameOf(ending)}`),
    ...waiting.map((ending) => `${signal} stream before content ${nameOf(ending)}`),
    ...flowing.map((ending) => `${signal} stream after content ${nameOf(ending)}`),
  ]);
  const msUntilAllSettled = Object.fromEntries(
    signals.map((signal) => [signal, spreadOf(scenes.filter((scene) => scene.signal === signal).map(({ ms }) => ms))]),
  );
  return { endings: tally(endings), msUntilAllSettled, seen, hits: hits.slice(0, 20) };
}

function nameOf({ how, code, asked }: Ending): string {
  return `${how}${code === undefined ? '' : ` ${code}`}, asked ${asked.join(', ')}`;
}
