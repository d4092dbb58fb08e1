import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from './machine-time.ts';
import { cutOffIn, type Probes, probesIn } from './oracle.ts';
import { type Member, type Stage, until, untilHeard } from './stage.ts';

export interface CrowdShown {
  readonly calls: number;
  readonly failures: number;
  readonly probes: Probes;
  readonly mostProbes: number;
}

const waves = 4;
const openMs = 400;

/** Crowds of callers in all processes at once when a breaker is due: one of them is sent, and the others are answered elsewhere. */
export async function playCrowd(stage: Stage, callersEach: number): Promise<CrowdShown> {
  const { members } = stage;
  await stage.redis.reset();
  await stage.open(() => ({ storeUrl: stage.redis.url }));
  await sleep(500);
  await stage.be('failing');
  const failsMs = machineMs();
  await (members[0] as Member).strike();
  await untilHeard(members, 'breaker:open', failsMs);
  await stage.watch();
  // Longer than all of it takes: two probes would be seen beside each other.
  await stage.be('failing', 1_500);
  await sleep(openMs * 1.2);
  const fromMs = machineMs();
  const crowds = [];
  for (let wave = 0; wave < waves; wave++) {
    crowds.push(stage.all((member) => member.crowd(callersEach / waves)));
    await sleep(50);
  }
  const books = (await Promise.all(crowds)).flat();
  // A crowd that is over before leave has come leaves the probe to whoever comes next.
  await stage.all((member) => member.load(20, false));
  await until(async () => (await stage.visits()).length > 0, 4_000);
  await stage.all((member) => member.rest());
  await stage.all((member) => member.listen());
  const without = cutOffIn(members, fromMs, machineMs());
  return {
    calls: books.reduce((sum, { calls }) => sum + calls, 0),
    failures: books.reduce((sum, { failures }) => sum + Object.values(failures).reduce((all, count) => all + count, 0), 0),
    probes: probesIn(await stage.visits(), failsMs),
    mostProbes: without + (without < members.length ? 1 : 0),
  };
}
