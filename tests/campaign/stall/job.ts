import { createRouter, type ProviderOptions, type Router } from '../../../src/index.ts';
import { type Canaries, createCanaries } from '../_kit/canaries.ts';
import { atLeast, exactly, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { tally } from '../_kit/numbers.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { startProgram } from '../_kit/program.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { limitMs, type Outcome, type Place, playStall, type Scene, type Wait } from './scene.ts';
import type { Question } from './server.ts';

const figures = {
  stalls: 'stalls of the event loop',
  calls: 'calls in flight while it was blocked',
  waits: 'limits and places of the stall that were tried',
  timeouts: 'false timeouts',
  breaker: 'failures that a breaker counted',
  plain: 'share of plain fetches given up for lateness after a stall in the check phase, which shows that the rig sees it',
} as const;

const waits: readonly Wait[] = ['total', 'first-token', 'idle'];
const places: readonly Place[] = ['check', 'timers'];
const atOnce = 64;

export const job: Job = {
  name: 'stall',
  about: 'an event loop that was blocked for longer than a limit makes no answer late that lies in the socket',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed): Promise<JobReport> {
    const canaries = createCanaries(seed);
    using _output = canaries.watchOutput();
    await using server = await startProgram<Question, unknown>(new URL('./server.ts', import.meta.url));
    const url = `http://127.0.0.1:${String(await server.ask({ ask: 'port' }))}`;
    const scenes = scenesOf(size);
    const outcomes: Outcome[] = [];
    let failures = 0;
    let repeats = 20;
    for (const scene of scenes) {
      await using router = createRouter(optionsFor(url, canaries));
      canaries.watch(router);
      const stage = { url, server, router, request: plantedChat(canaries, canaries.of.completion) };
      if (outcomes.length === 0) await router.chat(stage.request, { provider: 'healthy' });
      let outcome = await playStall(scene, stage);
      // A start that took too long proves nothing, so the scene is played again.
      while (outcome === undefined && repeats-- > 0) outcome = await playStall(scene, stage);
      if (outcome !== undefined) outcomes.push(outcome);
      failures += failuresOf(router);
    }
    const wrong = outcomes.flatMap((outcome) => outcome.wrong);
    const calls = outcomes.reduce((sum, outcome) => sum + outcome.right + outcome.wrong.length, 0);
    // Timers that run out while another timer is served wait for the next turn, and that reads the sockets first.
    const checked = outcomes.filter(({ place }) => place === 'check');
    const plain = checked.reduce((sum, outcome) => sum + outcome.plain, 0);
    const plainTimeouts = checked.reduce((sum, outcome) => sum + outcome.plainTimeouts, 0);
    return {
      figures: [
        exactly(figures.stalls, size === 'long' ? 200 : 10, outcomes.length),
        exactly(figures.calls, scenes.flatMap((scene) => scene.waits).length, calls),
        exactly(
          figures.waits,
          waits.length * places.length,
          new Set(scenes.flatMap((scene) => scene.waits.map((wait) => wait + scene.place))).size,
        ),
        exactly(figures.timeouts, 0, wrong.length),
        exactly(figures.breaker, 0, failures),
        atLeast(figures.plain, 0.9, plainTimeouts / plain),
        ...figuresOfCanaries(canaries.hits, (await server.ask({ ask: 'kinds' })) as string[]),
      ],
      detail: { wrong: tally(wrong), plainTimeouts, plain, hits: canaries.hits },
    };
  },
};

/** One call at a time with each limit at each place, and many at once; the same again until there are enough. */
function scenesOf(size: Size): Scene[] {
  const single = waits.flatMap((wait) => places.map((place): Scene => ({ waits: [wait], place })));
  const mixed = Array.from({ length: atOnce }, (_, at) => waits[at % waits.length] as Wait);
  const many = places.map((place): Scene => ({ waits: mixed, place }));
  const round = [...single, ...many];
  const count = size === 'long' ? 200 : 10;
  return Array.from({ length: count }, (_, at) => round[at % round.length] as Scene);
}

/** Each limit has a model name of its own, so that one provider serves it and no other. */
function optionsFor(url: string, canaries: Canaries): Parameters<typeof createRouter>[0] {
  const slow = plantedProvider(canaries, `${url}/slow`, 'key');
  const pausing = plantedProvider(canaries, `${url}/pausing`, 'key');
  const healthy: ProviderOptions = { ...plantedProvider(canaries, `${url}/healthy`, 'url'), priority: 1 };
  return {
    checkModels: false,
    health: false,
    pollMs: false,
    deadlineMs: 30_000,
    models: {
      total: { total: 'tiny', healthy: 'tiny' },
      'first-token': { slow: 'tiny', healthy: 'tiny' },
      idle: { pausing: 'tiny', healthy: 'tiny' },
    },
    providers: {
      total: { ...slow, timeouts: { totalMs: limitMs } },
      slow: { ...slow, timeouts: { firstTokenMs: limitMs } },
      pausing: { ...pausing, timeouts: { idleMs: limitMs } },
      healthy,
    },
  };
}

function failuresOf(router: Router): number {
  return router.snapshot().providers.reduce((sum, { failures }) => sum + failures, 0);
}
