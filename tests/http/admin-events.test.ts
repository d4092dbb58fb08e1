import { expect, test } from 'vitest';
import { eventNames, type EventName, type Router } from '../../src/index.ts';
import type { AdminEvent } from '../../src/http/admin-contract.ts';
import { mostReaders, mostWaiting } from '../../src/http/admin-events.ts';
import { fault, hang } from '../_kit/fake-adapter.ts';
import { adminServer, type AdminServer, errorOf, hello, readerOf, token } from './admin-kit.ts';

const path = '/admin/api/events';
const eventOf = (frame: string | undefined): AdminEvent => JSON.parse(String(frame).slice(6)) as AdminEvent;

/** A server that counts what listens to its router. */
function counted(server: AdminServer): { readonly listening: () => readonly EventName[] } {
  const { router } = server;
  const names: EventName[] = [];
  const { on, off } = router;
  router.on = ((name: EventName, listener: never): Router => (names.push(name), on(name, listener))) as Router['on'];
  router.off = ((name: EventName, listener: never): Router => (names.splice(names.indexOf(name), 1), off(name, listener))) as Router['off'];
  return { listening: () => names };
}

test('every event of the router comes as a frame, with growing numbers, the time and the payload', async () => {
  const { get, router, clock, changes } = adminServer();
  const response = await get(path);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const { next, leave } = readerOf(response);
  expect(await next()).toBe(': \n\n');
  await router.chat(hello);
  const events = [eventOf(await next()), eventOf(await next()), eventOf(await next()), eventOf(await next())];
  expect(events.map(({ id, name }) => [id, name])).toEqual([
    [1, 'request:start'],
    [2, 'attempt:start'],
    [3, 'attempt:end'],
    [4, 'request:end'],
  ]);
  expect(events[1]).toMatchObject({ atMs: clock.wallMs(), payload: { provider: 'gpu', attempt: 1 } });
  expect(changes).toEqual([{ atMs: clock.wallMs(), action: 'login', keys: [], ok: true }]);
  await leave();
});

test('it listens to every name there is', async () => {
  const server = adminServer();
  const { listening } = counted(server);
  const { leave } = readerOf(await server.get(path));
  expect(listening().toSorted()).toEqual(eventNames.toSorted());
  await leave();
});

test('errors come as a code and a message, and of foreign ones nothing is told', async () => {
  const { get, router } = adminServer({ gpu: [fault('driver'), hang, 'yes'] });
  const { next, leave } = readerOf(await get(path));
  await next();
  await router.tryChat(hello);
  const controller = new AbortController();
  const second = router.chat(hello, { signal: controller.signal }).catch(() => undefined);
  controller.abort(new Error('canary of the application'));
  await second;
  router.on('request:start', () => {
    throw new Error('canary of a listener');
  });
  await router.chat(hello);
  const events: AdminEvent[] = [];
  while (events.at(-1)?.name !== 'listener:error') events.push(eventOf(await next()));
  const errors = events.flatMap(({ name, payload }) => (payload['error'] === undefined ? [] : [[name, payload['error']]]));
  const foreign = { code: 'foreign', message: 'An error that does not come from the router.' };
  expect(errors).toEqual([
    ['attempt:error', { code: 'driver', message: 'gpu: it said driver.' }],
    ['request:error', { code: 'all_failed', message: expect.stringContaining('it said driver.') }],
    ['attempt:error', foreign],
    ['request:error', foreign],
    ['listener:error', foreign],
  ]);
  await leave();
});

test('a slow reader loses the oldest events, and sees by the numbers that it did', async () => {
  const { get, router } = adminServer();
  const { next, leave } = readerOf(await get(path));
  await next();
  const calls = mostWaiting;
  for (let count = 0; count < calls; count++) await router.chat(hello);
  const ids = await Promise.all(Array.from({ length: mostWaiting }, async () => eventOf(await next()).id));
  expect(ids).toEqual(Array.from({ length: mostWaiting }, (_, index) => 4 * calls - mostWaiting + index + 1));
  await leave();
});

test('where nothing happens a comment comes each 15 s', async () => {
  const { get, clock } = adminServer();
  const { next, leave } = readerOf(await get(path));
  await next();
  for (let round = 0; round < 3; round++) {
    let frame: string | undefined;
    const asked = next().then((value) => (frame = value));
    await clock.advance(14_999);
    expect(frame).toBeUndefined();
    await clock.advance(1);
    expect(await asked).toBe(': \n\n');
  }
  await leave();
});

/** How a reader goes, by the ways that servers have of telling. */
const ways: Record<string, (server: AdminServer) => Promise<void>> = {
  'cancels before it has read anything': async ({ get }) => (await get(path)).body?.cancel(),
  'cancels while nothing happens': async ({ get, clock }) => {
    const { next, leave } = readerOf(await get(path));
    await next();
    void next();
    await clock.settle();
    await leave();
  },
  'aborts its request': async ({ handler, clock }) => {
    const controller = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const { next } = readerOf(await handler(new Request(`http://localhost${path}`, { headers, signal: controller.signal })));
    await next();
    const pending = next().catch(() => undefined);
    controller.abort();
    await Promise.all([pending, clock.settle()]);
  },
  'stops reading': async ({ get, clock }) => {
    await get(path);
    await clock.advance(60_000);
  },
  'asks with HEAD': async ({ get }) => {
    expect((await get(path, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  },
  'stays until the router is closed': async ({ get, router, clock }) => {
    const { next } = readerOf(await get(path));
    await next();
    await router.close();
    const readAll = async (): Promise<void> => {
      while ((await next()) !== undefined);
    };
    void readAll();
    await clock.advance(15_000);
  },
};

test.each(Object.keys(ways))('when a reader %s, nothing listens for it any more and no timer is left', async (way) => {
  const server = adminServer();
  const { listening } = counted(server);
  await ways[way]?.(server);
  await server.clock.settle();
  expect(listening()).toEqual([]);
  expect(server.clock.timers()).toBe(0);
});

test('so many pages may be open at once, and one more when one was left', async () => {
  const { get } = adminServer();
  const readers = await Promise.all(Array.from({ length: mostReaders }, async () => readerOf(await get(path))));
  const refused = await get(path);
  expect([refused.status, refused.headers.get('retry-after'), (await errorOf(refused))['code']]).toEqual([429, '15', 'too_many_readers']);
  await readers[0]?.leave();
  const { next } = readerOf(await get(path));
  expect(await next()).toBe(': \n\n');
});
