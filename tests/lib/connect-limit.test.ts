import { expect, test } from 'vitest';
import { limitConnecting } from '../../src/lib/connect-limit.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../src/lib/transport.ts';
import { outcomeOf } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

const response = { status: 200, header: () => null, body: null, text: async () => '' } as unknown as TransportResponse;
const request = (signal: AbortSignal = new AbortController().signal): TransportRequest => ({
  method: 'GET',
  url: 'http://box',
  headers: {},
  signal,
});

async function sendWithin(connectMs: number, transport: Transport, clock: Clock, sent: TransportRequest): Promise<TransportResponse> {
  const limit = limitConnecting('box', connectMs, clock);
  try {
    return await transport.send({ ...sent, onConnecting: limit.onConnecting });
  } finally {
    limit.dispose();
  }
}

/** Connects when it is told to, answers when it is told to. */
function slowTransport(sees = true) {
  const told = { connected: (): void => undefined, answered: (): void => undefined, isGivenUp: false };
  const transport: Transport = {
    send: ({ onConnecting, signal }) =>
      new Promise((resolve, reject) => {
        const giveUp = (reason: unknown): void => {
          told.isGivenUp = true;
          reject(reason as Error);
        };
        const stands = sees ? onConnecting?.(giveUp) : undefined;
        Object.assign(told, { connected: () => stands?.(), answered: () => resolve(response) });
        signal.addEventListener('abort', () => reject(new Error('what the platform throws')), { once: true });
      }),
  };
  return { transport, told };
}

test('a connection that does not come about in time is a timeout of its phase', async () => {
  const clock = testClock();
  const { transport, told } = slowTransport();
  const sent = outcomeOf(sendWithin(3_000, transport, clock, request()));
  await clock.advance(2_999);
  expect(sent.settled).toBe(false);
  await clock.advance(1);
  expect(sent.error).toMatchObject({ code: 'timeout', phase: 'connect', provider: 'box', message: 'box: no connection within 3000 ms.' });
  expect(told.isGivenUp).toBe(true);
});

test('once the connection stands the answer may take its time', async () => {
  const clock = testClock();
  const { transport, told } = slowTransport();
  const sent = outcomeOf(sendWithin(3_000, transport, clock, request()));
  told.connected();
  await clock.advance(60_000);
  expect(sent.settled).toBe(false);
  told.answered();
  await clock.settle();
  expect(sent.value).toBe(response);
  expect(clock.timers()).toBe(0);
});

test('a connection that stands while the event loop is blocked is in time, although the timer comes first', async () => {
  const clock = testClock();
  const late: Clock = { ...clock, schedule: (delayMs, callback) => clock.schedule(delayMs + (delayMs === 100 ? 50 : 0), callback) };
  const { transport, told } = slowTransport();
  const sent = outcomeOf(sendWithin(100, transport, late, request()));
  await clock.advance(150);
  expect(told.isGivenUp).toBe(false);
  told.connected();
  told.answered();
  await clock.settle();
  expect(sent.value).toBe(response);
  expect(clock.timers()).toBe(0);
});

test('and one that does not stand in the moment after it neither is not', async () => {
  const clock = testClock();
  const late: Clock = { ...clock, schedule: (delayMs, callback) => clock.schedule(delayMs + (delayMs === 100 ? 50 : 0), callback) };
  const { transport } = slowTransport();
  const sent = outcomeOf(sendWithin(100, transport, late, request()));
  await clock.advance(200);
  expect(sent.error).toMatchObject({ code: 'timeout', phase: 'connect' });
});

test('an answer of a transport that never says when it is connected sets the limit to rest', async () => {
  const clock = testClock();
  const { transport, told } = slowTransport();
  const sent = outcomeOf(sendWithin(3_000, transport, clock, request()));
  told.answered();
  await clock.settle();
  expect(sent.value).toBe(response);
  expect(clock.timers()).toBe(0);
});

test('an abort of the request reaches the transport and is no timeout', async () => {
  const clock = testClock();
  const { transport } = slowTransport();
  const controller = new AbortController();
  const sent = outcomeOf(sendWithin(3_000, transport, clock, request(controller.signal)));
  controller.abort('why');
  await clock.settle();
  expect(sent.error).toMatchObject({ message: 'what the platform throws' });
  expect(clock.timers()).toBe(0);
});

test('a transport that sees no new connection has no limit', async () => {
  const clock = testClock();
  const { transport } = slowTransport(false);
  const sent = outcomeOf(sendWithin(3_000, transport, clock, request()));
  await clock.advance(60_000);
  expect(sent.settled).toBe(false);
  expect(clock.delays).toEqual([]);
});
