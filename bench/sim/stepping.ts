import { exactly } from '../../tests/campaign/_kit/job.ts';
import type { Stepping } from './clock.ts';
import { ours } from './policies.ts';
import { capacityPerSecond, chats, rackOfEight } from './racks.ts';
import { runCell } from './run.ts';
import type { Scenario, ScenarioReport } from './scenario.ts';
import { openLoad } from './workload.ts';

const count = 1_000;
const machines = rackOfEight((index) => ({
  // One that fails now and then, so that attempts are made anew as well.
  ...(index === 0 && { faultAt: (nowMs) => (Math.floor(nowMs) % 7 === 0 ? { kind: 'busy', afterMs: 50 } : undefined) }),
}));

/** Every time of a run, in the order in which the requests ended. */
async function timesOf(stepping: Stepping, seed: number): Promise<string> {
  const perSecond = capacityPerSecond(machines, [chats]) * 0.7;
  const { client } = ours('expected-ttft');
  const workload = (...[clock, chance]: Parameters<Parameters<typeof runCell>[0]['workload']>): ReturnType<typeof openLoad> =>
    openLoad({ count, perSecond, models: ['small'], kinds: [chats] }, clock, chance);
  const { sample, events, spanMs } = await runCell({ machines, client, seed, stepping, workload });
  const firsts = Array.from({ length: 100 }, (_, index) => sample.firsts().percentile((index + 1) / 100));
  return JSON.stringify([sample.servedBy, firsts, events, spanMs]);
}

/** That the simulator itself can be believed. */
export const stepping: Scenario = {
  letter: 'z',
  title: 'The simulator itself',
  async run({ seed }): Promise<ScenarioReport> {
    const ticked = await timesOf('tick', seed);
    const [looped, again, other] = [await timesOf('loop', seed), await timesOf('tick', seed), await timesOf('tick', seed + 1)];
    return {
      about: [
        'Between two events everything that waits for promises has to happen. A run that waits for Node’s next tick has to give the same times as one that turns the event loop twice.',
      ],
      tables: [],
      figures: [
        exactly('runs that differ from one that turns the event loop after each event', 0, Number(looped !== ticked)),
        exactly('runs that differ from the first with the same seed', 0, Number(again !== ticked)),
        exactly('runs that differ from the first with another seed', 1, Number(other !== ticked)),
      ],
    };
  },
};
