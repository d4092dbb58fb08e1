import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from './machine-time.ts';
import { countOf, cutOffIn } from './oracle.ts';
import { type Member, type Stage, until, untilHeard } from './stage.ts';

/** One process that was stopped with the probe in its hands, until somebody else had probed in its place. */
export interface SleeperShown {
  /** False where it did not come about: nobody probed in the place of the one that slept, or the machine was too slow for leave in time. */
  readonly isPlayed: boolean;
  /** From the sleeper's probe to the other one. */
  readonly handedOnMs: number;
  /** Probes of others while the lease of the sleeper had time left. */
  readonly tooEarly: number;
  /** Breakers that went where the late answer said. */
  readonly believed: number;
}

/** So that a lease is short: half of it for the first of two providers, and a second on top. */
const deadlineMs = 2_000;
const leaseMs = deadlineMs / 2 + 1_000;
const callsPerSecond = 20;

/**
 * What the sleeper finds out is the opposite of what the other one finds: `isGood`, an answer where the server has failed since, else a
 * failure where it has recovered. It loses its own limits, so that it reads the answer and has no failure of its own making.
 */
export async function playSleeper(stage: Stage, isGood: boolean): Promise<SleeperShown> {
  const { members } = stage;
  await stage.redis.reset();
  await stage.open(() => ({ deadlineMs, losesLimits: true, storeUrl: stage.redis.url }));
  await sleep(500);
  await stage.be('failing');
  const failsMs = machineMs();
  const [striker] = members as [Member, ...Member[]];
  await striker.strike();
  await untilHeard(members, 'breaker:open', failsMs);
  await stage.watch();
  await stage.be('held');
  await stage.all((member) => member.load(callsPerSecond, false));
  const first = await visitAt(stage, 0);
  const sleeper = members.find(({ number }) => number === first?.member);
  if (first === undefined || sleeper === undefined) return notPlayed(stage);
  const awake = members.filter((member) => member !== sleeper);
  try {
    // It has told the store how long its probe may take.
    await sleep(100);
    process.kill(sleeper.pid, 'SIGSTOP');
    const second = await visitAt(stage, 1);
    if (second === undefined) return await notPlayed(stage);
    // From now on `main` does what the second probe is told, and the first one is told the opposite.
    await stage.be(isGood ? 'failing' : 'well');
    const toldMs = machineMs();
    await stage.letGo(second.member, !isGood);
    await untilHeard(awake, isGood ? 'breaker:open' : 'breaker:close', toldMs);
    await stage.letGo(sleeper.number, isGood);
    const wakesMs = machineMs();
    process.kill(sleeper.pid, 'SIGCONT');
    // Long enough to be heard of everywhere; what `main` really does is the same all the time.
    await sleep(1_200);
    await stage.all((member) => member.listen());
    const wrong = isGood ? 'breaker:close' : 'breaker:open';
    const handedOnMs = second.atMs - first.atMs;
    return {
      // Who gets no answer in time has no lease that could end.
      isPlayed:
        cutOffIn(
          members.filter(({ number }) => number === first.member || number === second.member),
          failsMs,
          wakesMs,
        ) === 0,
      handedOnMs,
      tooEarly: handedOnMs < leaseMs - 50 ? 1 : 0,
      believed: members.reduce((sum, member) => sum + countOf(member, wrong, wakesMs), 0),
    };
  } finally {
    process.kill(sleeper.pid, 'SIGCONT');
    await stage.be('well');
    for (const { number } of members) await stage.letGo(number, true);
    await stage.all((member) => member.rest());
  }
}

async function visitAt(stage: Stage, place: number) {
  await until(async () => (await stage.visits()).length > place, 8_000);
  return (await stage.visits())[place];
}

async function notPlayed(stage: Stage): Promise<SleeperShown> {
  await stage.be('well');
  for (const { number } of stage.members) await stage.letGo(number, true);
  await stage.all((member) => member.rest());
  return { isPlayed: false, handedOnMs: Number.NaN, tooEarly: 0, believed: 0 };
}
