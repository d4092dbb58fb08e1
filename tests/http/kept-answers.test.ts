import { expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { question, scene, type Scene, settled } from '../router/kept-kit.ts';
import { askChat } from './handler-kit.ts';

interface Front {
  readonly made: Scene;
  ask(headers?: Record<string, string>, isStream?: boolean): Promise<Response>;
}

function front(): Front {
  const made = scene();
  const handler = createHandler(made.router, { clock: made.clock });
  return {
    made,
    async ask(headers = {}, isStream = false) {
      const response = await askChat(handler, { headers, body: JSON.stringify({ ...question, ...(isStream && { stream: true }) }) });
      await settled(made);
      return response;
    },
  };
}

const headersOf = ({ headers }: Response): (string | null)[] =>
  ['x-inferlane-cached', 'x-inferlane-attempts', 'x-inferlane-provider'].map((name) => headers.get(name));

test('an answer that was kept says so, as a whole and as a stream', async () => {
  const { ask, made } = front();
  expect(headersOf(await ask())).toEqual([null, '1', 'gpu']);
  expect(headersOf(await ask())).toEqual(['true', '0', 'gpu']);
  const stream = await ask({}, true);
  expect([headersOf(stream), (await stream.text()).includes('answer 1')]).toEqual([['true', '0', 'gpu'], true]);
  expect(made.asked).toHaveLength(1);
});

test.each([
  ['no-cache', 2, 'answer 2'],
  ['max-age=0, No-Cache', 2, 'answer 2'],
  ['no-store', 2, 'answer 1'],
  ['no-cache, no-store', 2, 'answer 1'],
  ['max-age=60', 1, 'answer 1'],
])('cache-control: %s', async (value, times, afterwards) => {
  const { ask, made } = front();
  await ask();
  await ask({ 'cache-control': value });
  expect(made.asked).toHaveLength(times);
  expect(await (await ask()).text()).toContain(afterwards);
});
