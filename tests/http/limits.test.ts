import { describe, expect, test } from 'vitest';
import { resolveHandlerOptions } from '../../src/http/handler-options.ts';
import { createLimits } from '../../src/http/limits.ts';
import { after, hang, pieces } from '../_kit/fake-adapter.ts';
import { testClock } from '../_kit/test-clock.ts';
import { ask, askChat, chatBody, type Front, front, inner, otherToken, refusalIn, token, until } from './handler-kit.ts';

const tokens = [token, otherToken];

/** Tokens are digested on other threads, which no clock waits for. */
const reached = ({ behind }: Front, calls: number): Promise<number> => until(() => behind.fakes[inner.provider].calls.length === calls);

const other = { headers: { authorization: `Bearer ${otherToken}` } };

describe('calls at once', () => {
  test('are as many as there may be, of all callers together', async () => {
    const gate = front({ tokens, maxConcurrent: 3, maxConcurrentPerCaller: 2 }, after(1_000, 'yes'));
    const { handler, behind } = gate;
    const calls = [askChat(handler), askChat(handler), askChat(handler, other)];
    await reached(gate, 3);
    const refused = await askChat(handler, other);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refusalIn(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    await behind.clock.advance(1_000);
    for (const call of calls) expect((await call).status).toBe(200);
    const again = askChat(handler, other);
    await reached(gate, 4);
    await behind.clock.advance(1_000);
    expect((await again).status).toBe(200);
  });

  test('are as many as one caller may have, whoever else there is', async () => {
    const gate = front({ tokens, maxConcurrentPerCaller: 1 }, after(1_000, 'yes'));
    const { handler, behind } = gate;
    const first = askChat(handler);
    await reached(gate, 1);
    expect((await askChat(handler)).status).toBe(429);
    const second = askChat(handler, other);
    await reached(gate, 2);
    await behind.clock.advance(1_000);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  test('are counted until the last frame of a stream was read', async () => {
    const { handler } = front({ maxConcurrent: 1 }, pieces('one', 'two'));
    const body = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
    const stream = await askChat(handler, { body });
    expect((await askChat(handler)).status).toBe(429);
    await stream.text();
    const next = await askChat(handler, { body });
    expect(next.status).toBe(200);
    await next.body?.cancel();
    expect((await askChat(handler, { body })).status).toBe(200);
  });

  test.each<[string, (handler: ReturnType<typeof front>['handler']) => Promise<Response>]>([
    ['a body that is no JSON', (handler) => askChat(handler, { body: '{' })],
    ['a field that is denied', (handler) => askChat(handler, { body: '{"api_base":""}' })],
    ['a header that is wrong', (handler) => askChat(handler, { headers: { 'x-inferlane-deadline-ms': 'soon' } })],
    ['a request that is wrong', (handler) => askChat(handler, { body: '{"messages":1}' })],
    ['a provider that fails', (handler) => askChat(handler, { headers: { 'x-inferlane-provider': 'nobody' } })],
    ['a caller who has gone', (handler) => askChat(handler, { signal: AbortSignal.abort() })],
  ])('are counted out after %s', async (_, failing) => {
    const { handler } = front({ maxConcurrent: 1 });
    for (let count = 0; count < 3; count++) expect((await failing(handler)).status).toBeGreaterThanOrEqual(400);
    expect((await askChat(handler)).status).toBe(200);
  });

  test('of a caller who leaves in the middle are counted out at once', async () => {
    const { handler, behind } = front({ maxConcurrent: 1 }, [hang, 'yes']);
    const leaving = new AbortController();
    const left = askChat(handler, { signal: leaving.signal });
    await behind.clock.settle();
    leaving.abort();
    expect((await left).status).toBe(499);
    expect((await askChat(handler)).status).toBe(200);
  });

  test('are counted while their bodies arrive, so that slow ones cannot pile up', async () => {
    const { handler, behind } = front({ maxConcurrent: 1 });
    const slow = askChat(handler, { body: new ReadableStream() });
    await behind.clock.settle();
    expect((await askChat(handler)).status).toBe(429);
    await behind.clock.advance(10_000);
    expect((await slow).status).toBe(408);
    expect((await askChat(handler)).status).toBe(200);
  });

  test('do not keep anybody from looking, and who has no token takes no place', async () => {
    const gate = front({ tokens, maxConcurrent: 1 }, hang);
    const { handler } = gate;
    void askChat(handler);
    await reached(gate, 1);
    expect((await askChat(handler, { headers: { authorization: '' } })).status).toBe(401);
    expect((await ask(handler, { path: '/healthz' })).status).toBe(200);
  });
});

describe('calls per minute', () => {
  test('may be made all at once, and then one by one as time passes', async () => {
    const { handler, behind } = front({ tokens, maxPerMinute: 4 });
    for (let count = 0; count < 4; count++) expect((await askChat(handler)).status).toBe(200);
    const refused = await askChat(handler);
    expect(refused.headers.get('retry-after')).toBe('15');
    expect(await refusalIn(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    await behind.clock.advance(14_000);
    expect((await askChat(handler)).headers.get('retry-after')).toBe('1');
    await behind.clock.advance(1_000);
    expect((await askChat(handler)).status).toBe(200);
    expect((await askChat(handler)).status).toBe(429);
    await behind.clock.advance(600_000);
    const statuses = [];
    for (let count = 0; count < 5; count++) statuses.push((await askChat(handler)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
  });

  test('are each caller’s own', async () => {
    const { handler } = front({ tokens, maxPerMinute: 1 });
    expect((await askChat(handler)).status).toBe(200);
    expect((await askChat(handler)).status).toBe(429);
    expect((await askChat(handler, other)).status).toBe(200);
  });

  test('may be made again when the time that was told has passed, whatever the rate', async () => {
    for (const maxPerMinute of [1, 3, 7, 11, 13, 61, 997]) {
      const clock = testClock();
      const limits = createLimits(resolveHandlerOptions({ maxPerMinute, maxConcurrent: 10_000, maxConcurrentPerCaller: 10_000, clock }));
      for (let count = 0; count < maxPerMinute; count++) limits.enter('a')();
      for (let count = 0; count < 20; count++) {
        const waitMs = retryAfterOf(() => limits.enter('a')());
        await clock.advance(Math.ceil(waitMs / 1_000) * 1_000);
        limits.enter('a')();
        for (let more = 0; more < 20; more++) retryAfterOf(() => limits.enter('a')(), true);
      }
    }
  });
});

function retryAfterOf(enter: () => void, mayPass = false): number {
  try {
    enter();
  } catch (error) {
    return (error as { refusal: { retryAfterMs: number } }).refusal.retryAfterMs;
  }
  if (!mayPass) throw new Error('It was let in.');
  return 0;
}

describe('the callers who are remembered', () => {
  const clock = testClock();
  const config = resolveHandlerOptions({ maxPerMinute: 1, maxConcurrent: 1_000_000, clock });

  test('are ten thousand at most, those first who have no call under way', () => {
    const limits = createLimits(config);
    const leave = limits.enter('busy');
    limits.enter('idle')();
    const startMs = performance.now();
    for (let count = 0; count < 30_000; count++) limits.enter(`caller ${count}`)();
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(() => limits.enter('busy')).toThrow('per minute');
    expect(() => limits.enter('idle')).not.toThrow();
    expect(() => limits.enter('caller 29999')).toThrow('per minute');
    leave();
  });

  test('are counted out once, however often they leave', () => {
    const limits = createLimits(resolveHandlerOptions({ maxConcurrent: 2, clock }));
    const leave = limits.enter('a');
    limits.enter('a');
    leave();
    leave();
    leave();
    limits.enter('a');
    expect(() => limits.enter('a')).toThrow('as many calls');
  });
});
