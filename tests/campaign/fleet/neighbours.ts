import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from './machine-time.ts';
import { countOf } from './oracle.ts';
import { type Member, type Stage, untilHeard } from './stage.ts';

export interface NeighboursShown {
  /** Members of the same application that heard of it, and of how many. */
  readonly heard: number;
  readonly ofSame: number;
  /** Members of the other application that heard of it. */
  readonly overheard: number;
  /** Keys that begin with neither of the two prefixes. */
  readonly strayKeys: number;
  readonly keys: number;
}

/** Two applications at one store that call the same server. */
export async function playNeighbours(stage: Stage): Promise<NeighboursShown> {
  const { members, redis } = stage;
  await redis.reset();
  await stage.open((number) => ({ prefix: number % 2 === 0 ? 'app-one' : 'app-two', storeUrl: redis.url }));
  await sleep(500);
  await stage.be('failing');
  const failsMs = machineMs();
  const [striker, ...others] = members as [Member, ...Member[]];
  await striker.strike();
  const same = others.filter(({ number }) => number % 2 === 0);
  const strangers = others.filter(({ number }) => number % 2 !== 0);
  await untilHeard(same, 'breaker:open', failsMs);
  // Whoever is not told reads by itself within a second.
  await sleep(1_500);
  await stage.all((member) => member.listen());
  const keys = (await redis.command('KEYS', '*')) as readonly string[];
  const heardBy = (list: readonly Member[]): number => list.filter((member) => countOf(member, 'breaker:open', failsMs) > 0).length;
  return {
    heard: heardBy(same),
    ofSame: same.length,
    overheard: heardBy(strangers),
    strayKeys: keys.filter((key) => !key.startsWith('app-one:') && !key.startsWith('app-two:')).length,
    keys: keys.length,
  };
}
