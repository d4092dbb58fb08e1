import type { Canaries } from '../_kit/canaries.ts';
import type { Size } from '../_kit/job.ts';
import { type CrowdShown, playCrowd } from './crowd.ts';
import { type Fault, faults } from './faults.ts';
import { type HostileShown, playHostile } from './hostile.ts';
import { type NeighboursShown, playNeighbours } from './neighbours.ts';
import { playSleeper, type SleeperShown } from './sleeper.ts';
import { openStage, type Stage } from './stage.ts';
import { playStorm, type StormShown } from './storm.ts';
import { playStory, type StoryShown } from './story.ts';
import { playThroughput, type ThroughputShown } from './throughput.ts';

/** What all plays have shown. */
export interface Shown {
  readonly stories: StoryShown[];
  readonly sleepers: SleeperShown[];
  readonly crowds: CrowdShown[];
  readonly neighbours: NeighboursShown[];
  readonly hostile: HostileShown[];
  readonly storms: StormShown[];
  readonly throughput: ThroughputShown[];
  readonly planted: Set<string>;
}

export interface Sizes {
  readonly members: number;
  readonly probingMs: number;
  /** Of each kind. */
  readonly sleepers: number;
  readonly callers: number;
  readonly hostileRounds: number;
  readonly hostileBytes: number;
  readonly stormFailures: number;
  readonly processes: readonly number[];
  readonly rounds: number;
  readonly roundMs: number;
}

export const sizes: Readonly<Record<Size, Sizes>> = {
  quick: {
    members: 4,
    probingMs: 1_000,
    sleepers: 1,
    callers: 100,
    hostileRounds: 1,
    hostileBytes: 1_000_000,
    stormFailures: 1_000,
    processes: [1, 2],
    rounds: 5,
    roundMs: 200,
  },
  long: {
    members: 8,
    probingMs: 2_500,
    sleepers: 5,
    callers: 1_000,
    hostileRounds: 2,
    hostileBytes: 100_000_000,
    stormFailures: 20_000,
    processes: [1, 2, 4],
    rounds: 21,
    roundMs: 600,
  },
};

/** A machine that is too slow for leave in time proves nothing, so that it is tried so often at most. */
const mostTries = 4;

type Play = (stage: Stage) => Promise<unknown>;

/** The quick form plays two halves beside each other; what is measured by time or memory comes after them, alone. */
export async function playAll(size: Size, seed: number, canaries: Canaries): Promise<Shown> {
  const shown: Shown = {
    stories: [],
    sleepers: [],
    crowds: [],
    neighbours: [],
    hostile: [],
    storms: [],
    throughput: [],
    planted: new Set(),
  };
  const { members } = sizes[size];
  const [stories, others] = [storiesOf(shown, size), othersOf(shown, size)];
  const middle = Math.ceil((stories.length + 4) / 2);
  const lanes = size === 'long' ? [[...stories, ...others]] : [stories.slice(0, middle), [...stories.slice(middle), ...others]];
  const play = async (lane: readonly Play[]): Promise<void> => {
    await using stage = await openStage(members, seed);
    for (const each of lane) {
      await each(stage);
      canaries.look('store', await stage.contents().catch(() => []));
      for (const { heard } of stage.members) canaries.look('events', heard);
    }
    for (const kind of await stage.kinds()) shown.planted.add(kind);
  };
  await Promise.all(lanes.map(play));
  await measureAlone(shown, size, seed);
  return shown;
}

function storiesOf({ stories }: Shown, size: Size): Play[] {
  return faults.map((fault: Fault) => async (stage) => stories.push(await playStory(stage, fault, sizes[size].probingMs)));
}

function othersOf(shown: Shown, size: Size): Play[] {
  const { sleepers, callers, hostileRounds, hostileBytes } = sizes[size];
  const endings = Array.from({ length: sleepers }, () => [true, false]).flat();
  return [
    ...endings.map((isGood) => async (stage: Stage) => {
      for (let tries = 0; tries < mostTries; tries++) {
        const played = await playSleeper(stage, isGood);
        shown.sleepers.push(played);
        if (played.isPlayed) return;
      }
    }),
    async (stage) => shown.crowds.push(await playCrowd(stage, callers)),
    async (stage) => shown.neighbours.push(await playNeighbours(stage)),
    async (stage) => shown.hostile.push(await playHostile(stage, hostileRounds, hostileBytes)),
  ];
}

async function measureAlone({ storms, throughput }: Shown, size: Size, seed: number): Promise<void> {
  const { stormFailures, processes, rounds, roundMs } = sizes[size];
  const most = Math.max(...processes);
  await using stage = await openStage(2 * most, seed);
  for (const isHanging of [false, true]) storms.push(await playStorm(stage, 'rests', stormFailures, isHanging));
  storms.push(await playStorm(stage, 'names', stormFailures / 2, false));
  await stage.redis.reset();
  // Every other one has no store.
  await stage.open((number) => ({ storeUrl: number % 2 === 0 ? stage.redis.url : undefined }));
  const [withStore, without] = [0, 1].map((rest) => stage.members.filter(({ number }) => number % 2 === rest));
  for (const count of processes) {
    throughput.push(await playThroughput(withStore?.slice(0, count) ?? [], without?.slice(0, count) ?? [], rounds, roundMs));
  }
}
