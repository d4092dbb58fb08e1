import { expect, test, vi } from 'vitest';
import type { RouterOptions } from '../src/config/options.ts';
import { createRouter } from '../src/router/create-router.ts';
import { runProgram } from './_kit/child-program.ts';
import { fault, pieces } from './_kit/fake-adapter.ts';
import { fakeRouter, hello, readAll } from './_kit/fake-router.ts';
import { loopback } from './_kit/loopback.ts';
import { answers, streams } from './_kit/openai-bytes.ts';

// What a router costs that has nothing to do.

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The timers that are set, and the questions that are asked, in an idle hour of a router that has answered, failed and streamed before. */
async function idleHour(options: Omit<RouterOptions, 'providers'>): Promise<{ delays: readonly number[]; asked: number }> {
  let asked = 0;
  const answer =
    <State>(state: State) =>
    async (): Promise<State> => (asked++, state);
  const kit = { health: answer({ state: 'ok' } as const), load: answer({ running: 0, slots: 4 }) };
  const script = ['yes', fault('unavailable'), fault('rate_limited', { retryAfterMs: 500 }), pieces('one', 'two'), 'yes'];
  const near = { locality: 'lan', fake: kit } as const;
  const { router, clock } = fakeRouter({ a: { does: script, ...near }, b: { does: 'yes', ...near } }, { hedge: true, ...options });
  for (let call = 0; call < 4; call++) {
    await clock.run(router.chat(hello));
    await clock.run(router.stream(hello).then(readAll));
  }
  await clock.run(router.embed({ model: 'm', input: 'one' }));
  await clock.advance(minuteMs);
  const [set, before] = [clock.delays.length, asked];
  await clock.advance(hourMs);
  return { delays: clock.delays.slice(set), asked: asked - before };
}

test('without health checks nothing wakes a router that has nothing to do, and nobody is asked', async () => {
  expect(await idleHour({ health: false })).toEqual({ delays: [], asked: 0 });
  expect(await idleHour({ health: 'per-request' })).toEqual({ delays: [], asked: 0 });
});

test('with them the monitor does, and its questions, which are of so many seconds at most', async () => {
  const [everyMs, timeoutMs] = [10_000, 2_000];
  const health = { intervalMs: minuteMs, unhealthyIntervalMs: everyMs, timeoutMs };
  const { delays, asked } = await idleHour({ health, random: () => 0 });
  expect(delays.filter((ms) => ms === everyMs)).toHaveLength(hourMs / everyMs);
  expect(asked).toBe((2 * hourMs) / minuteMs);
  expect(delays.filter((ms) => ms !== everyMs)).toEqual(Array.from({ length: asked }, () => timeoutMs));
});

test('over a real socket as well, no timer is set once the answers are there', async () => {
  await using server = await loopback(({ body }) => ((body as { stream?: boolean }).stream === true ? streams('a', 'b') : answers('yes')));
  const provider = (path: string) => ({ type: 'openai-compatible', url: `${server.url}/${path}` }) as const;
  await using router = createRouter({ providers: { a: provider('a'), b: provider('b') }, health: false });
  for (let call = 0; call < 3; call++) {
    await router.chat(hello);
    await readAll(await router.stream(hello));
  }
  // The load of a provider is asked for in the background of the first call.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const timers = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'setInterval')];
  const idleMs = 1_000;
  const until = performance.now() + idleMs;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
  expect(timers.flatMap((timer) => timer.mock.calls)).toEqual([]);
});

test.each(['vllm', 'ollama', 'openai', 'anthropic', 'stub'])(
  'a provider that has nothing to do takes few KB of memory: %s',
  async (type) => {
    const { output, code } = await runProgram(`
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { createRouter } from '${new URL('../src/index.ts', import.meta.url).href}';
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    const used = async () => {
      for (let time = 0; time < 4; time++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return process.memoryUsage().heapUsed;
    };
    const transport = { send: async () => { throw new Error('nobody there'); } };
    const where = '${type}' === 'stub' ? {} : { apiKey: 'a-key', defaultModel: 'm', embeddingModel: 'e' };
    const open = (count) => {
      const names = Array.from({ length: count }, (_, index) => 'box' + index);
      const url = (name) => '${type}' === 'stub' ? {} : { url: 'http://' + name + '.example' };
      const providers = Object.fromEntries(names.map((name) => [name, { type: '${type}', ...url(name), ...where }]));
      return createRouter({ providers, transport });
    };
    await open(10).close();
    const before = await used();
    const router = open(1_000);
    console.log(Math.round((await used() - before) / 1_000));
    await router.close();`);
    expect(code).toBe(0);
    expect(Number(output)).toBeGreaterThan(1_000);
    // 9 KB when this was written; the promise is 50.
    expect(Number(output)).toBeLessThan(15_000);
  },
);
