import { describe, expect, test } from 'vitest';
import { type Activity, noActivity, withEvents, withGap } from '../../src/admin/activity.ts';
import { wordsFor } from '../../src/admin/event-words.ts';
import { clockTime, counted, duration, listed, relativeTime } from '../../src/admin/figures.ts';
import { type FieldSpec, patchOf, problemOf, shownValue } from '../../src/admin/form-fields.ts';
import { bucketMs, curvesOf, scaleOf, windowMs } from '../../src/admin/measurements.ts';
import { shownProviders } from '../../src/admin/shown-providers.ts';
import { orderFromText, orderToText } from '../../src/admin/order-text.ts';
import { readFrames } from '../../src/admin/server-stream.ts';
import { troublesOf, verdictOf } from '../../src/admin/troubles.ts';
import { eventNames } from '../../src/core/events.ts';
import type { AdminEvent, AdminState } from '../../src/http/admin-contract.ts';
import { broken, down, nowMs, provider } from '../http/health-of.ts';

let lastId = 0;
const event = (name: string, payload: Record<string, unknown> = {}, atMs: number = nowMs): AdminEvent => ({
  id: ++lastId,
  atMs,
  name,
  payload,
});

function after(...events: readonly AdminEvent[]): Activity {
  return withEvents(noActivity, events);
}

const call = { requestId: 'r1', provider: 'gpu', model: 'm' };

describe('events', () => {
  test('each event of the router has a sentence of its own', () => {
    const sentences = eventNames.map((name) => wordsFor(event(name)).sentence);
    expect(sentences.filter((sentence) => (eventNames as readonly string[]).includes(sentence))).toEqual([]);
    expect(new Set(sentences).size).toBe(eventNames.length);
  });

  test('an event that is not known is shown by its name, also where it is that of a member of objects', () => {
    expect(wordsFor(event('provider:sold'))).toEqual({ tone: 'plain', subject: 'decisions', sentence: 'provider:sold' });
    expect(wordsFor(event('constructor')).sentence).toBe('constructor');
  });

  test('a payload that is not what it should be breaks nothing', () => {
    for (const name of eventNames) {
      for (const value of [null, 5, [], {}, 'x']) {
        const payload = Object.fromEntries(
          ['requestId', 'provider', 'providers', 'error', 'usage', 'ms', 'reason', 'added'].map((key) => [key, value]),
        );
        expect(after(event(name, payload)).log).toHaveLength(1);
      }
    }
  });

  test('what a caller left is no failure', () => {
    expect(wordsFor(event('request:error', { aborted: true, ms: 5 })).tone).toBe('plain');
    expect(wordsFor(event('request:error', { aborted: false, ms: 5, error: { code: 'timeout', message: 'Too late.' } }))).toMatchObject({
      tone: 'bad',
      sentence: 'A call failed after 5 ms: timeout, Too late.',
    });
  });
});

describe('calls', () => {
  test('begin, wait, move and end', () => {
    const start = event('request:start', { requestId: 'r1', verb: 'stream', intent: 'fast', model: 'large' });
    const steps = [
      [event('queue:enter', { requestId: 'r1', providers: ['gpu'] }), { state: 'waiting', provider: undefined }],
      [event('queue:leave', { requestId: 'r1', provider: 'gpu', ms: 4 }), { provider: 'gpu' }],
      [event('attempt:start', { ...call, attempt: 1 }), { state: 'asking', provider: 'gpu', model: 'm' }],
      [
        event('attempt:start', { ...call, provider: 'cpu', model: undefined, attempt: 2 }),
        { state: 'asking', provider: 'cpu', model: 'm', attempts: 2 },
      ],
      [event('attempt:end', { ...call, firstContentMs: 80 }), { firstContentMs: 80 }],
      [event('request:end', { ...call, attempts: 2 }, nowMs + 90), { state: 'answered', endedAtMs: nowMs + 90, verb: 'stream' }],
    ] as const;
    let activity = after(start);
    for (const [told, state] of steps) {
      activity = withEvents(activity, [told]);
      expect(activity.calls).toHaveLength(1);
      expect(activity.calls[0]).toMatchObject(state);
    }
  });

  test('are out of sight after a gap, and only those that were under way', () => {
    const before = after(
      event('request:start', { requestId: 'a' }),
      event('request:start', { requestId: 'b' }),
      event('request:end', { requestId: 'b' }),
    );
    const gap = withGap(before, 7, nowMs);
    expect(gap.calls.map(({ requestId, state }) => [requestId, state])).toEqual([
      ['b', 'answered'],
      ['a', 'lost'],
    ]);
    expect(gap.log[0]?.words.sentence).toMatch(/^7 events were left out/);
  });

  test('are forgotten when they are many, those under way last', () => {
    const many = Array.from({ length: 500 }, (_, index) => [
      event('request:start', { requestId: `${index}` }),
      event('request:end', { requestId: `${index}` }),
    ]);
    const activity = withEvents(after(event('request:start', { requestId: 'slow' })), many.flat());
    expect(activity.calls.length).toBeLessThan(40);
    expect(activity.calls.at(-1)).toMatchObject({ requestId: 'slow', state: 'asking' });
    expect(activity.log).toHaveLength(300);
    expect(new Set(activity.log.map(({ key }) => key)).size).toBe(300);
  });
});

/** So long before the end of the last bucket. */
const at = (ms: number): number => Math.ceil(nowMs / bucketMs) * bucketMs - ms;

describe('curves', () => {
  test('hold what was measured in the window, in its own time', () => {
    const { measurements } = after(
      event('attempt:end', { ...call, firstContentMs: 100 }, at(1_000)),
      event('attempt:end', { ...call, firstContentMs: 300 }, at(2_000)),
      event('attempt:end', { ...call, firstContentMs: 200 }, at(3_000)),
      event('attempt:end', { ...call, firstContentMs: 900 }, at(windowMs + 1)),
      event('attempt:end', { ...call, firstContentMs: undefined }, at(1_000)),
      event('request:end', { ...call, usage: { completion_tokens: 30 } }, at(bucketMs + 1_000)),
      event('attempt:error', { ...call, aborted: true }, at(1_000)),
      event('attempt:error', { ...call, aborted: false }, at(1_000)),
      event('request:end', { ...call, provider: 'cpu', usage: undefined }, at(1_000)),
    );
    const curves = curvesOf(measurements, 'gpu', nowMs);
    expect(curves.atS).toHaveLength(windowMs / bucketMs);
    expect(curves.firstTokenMs.at(-1)).toBe(200);
    expect(curves.firstTokenMs.filter((value) => value !== null)).toHaveLength(1);
    expect(curves.tokensPerSecond.at(-2)).toBe(2);
    expect(curves.answersPerMinute.at(-2)).toBe(4);
    expect(curves.sums).toEqual({ answers: 1, failures: 1, middleFirstTokenMs: 200, slowestFirstTokenMs: 300 });
  });

  test('are of one scale, of answers where no server counts tokens', () => {
    const of = (id: string, usage?: object): AdminEvent => event('request:end', { ...call, provider: id, usage }, at(1_000));
    const scale = (events: readonly AdminEvent[]): unknown => {
      const { measurements } = after(...events);
      return scaleOf(['gpu', 'cpu'].map((id) => curvesOf(measurements, id, nowMs))).throughput;
    };
    expect(scale([of('gpu'), of('gpu'), of('cpu')])).toEqual({ of: 'answersPerMinute', most: 8 });
    expect(scale([of('gpu'), of('cpu', { completion_tokens: 15 })])).toEqual({ of: 'tokensPerSecond', most: 1 });
    expect(scaleOf([])).toEqual({ firstTokenMs: 0, throughput: { of: 'answersPerMinute', most: 0 } });
  });
});

function stateOf(providers: AdminState['health']['providers'], settings: Partial<AdminState['settings']> = {}): AdminState {
  const health = { status: 'degraded', atMs: nowMs, balance: 'priority', failsOver: true, providers } as const;
  const common = {
    balance: 'priority',
    defaultIntent: 'fast',
    maxAttempts: 3,
    deadlineMs: 1,
    allowPaid: false,
    intents: {},
    providers: {},
  };
  return {
    version: '1',
    atMs: nowMs,
    startedAtMs: nowMs,
    health,
    snapshot: { nowMs: 5, closed: false, inFlight: 0, providers: [], cache: undefined, store: undefined },
    settings: { ...common, ...settings },
  };
}

const sentencesOf = (state: AdminState): string[] =>
  troublesOf(shownProviders(state)).map((each) => `${each.mark}: ${each.provider} ${each.sentence}`);

describe('what is wrong', () => {
  test('is told with the worst first, and each in plain words', () => {
    const state = stateOf([
      provider('busy', { status: 'saturated', inFlight: 4, slots: 4, waiting: 2 }),
      provider('fine'),
      provider('gpu', broken),
      down('box'),
      provider('key', { status: 'misconfigured' }),
      provider('small', {
        pins: [
          { model: 'llama', untilMs: nowMs + 1 },
          { model: '', untilMs: nowMs + 1 },
        ],
      }),
    ]);
    expect(sentencesOf(state)).toEqual([
      'bad: gpu is left alone: circuit open after 3 errors in a row, the last one timeout',
      'bad: box does not answer: box cannot be reached.',
      'bad: key refuses its credentials; it needs a new key',
      'bad: small ran out of memory with llama, others are preferred',
      'bad: small ran out of memory with its own model, others are preferred',
      'watch: busy has no room: 4 of 4 slots taken, 2 calls waiting',
    ]);
  });

  test('a circuit whose time is over waits for the next call', () => {
    const state = stateOf([provider('gpu', { ...broken, status: 'probing', circuitOpenUntilMs: nowMs - 1 })]);
    expect(shownProviders(state)[0]?.circuit).toMatchObject({ is: 'due', untilMs: undefined });
    expect(sentencesOf(state)).toEqual([
      'watch: gpu is tried out by the next call: circuit open after 3 errors in a row, the last one timeout',
    ]);
  });

  test.each([
    ['ok', [provider('a')], 'ok: The only provider serves calls'],
    ['ok', [provider('a'), provider('b')], 'ok: All 2 providers serve calls'],
    ['degraded', [provider('a'), down('b')], 'watch: 1 of 2 providers serves calls'],
    ['degraded', [provider('a'), provider('b', { status: 'unknown' })], 'watch: 1 of 2 providers serves calls, 1 is not known yet'],
    ['down', [down('a')], 'bad: No provider serves calls'],
    ['down', [], 'bad: No provider is switched on'],
  ] as const)('the whole is %s', (status, providers, words) => {
    const { mark, sentence } = verdictOf(shownProviders(stateOf(providers)), status, false);
    expect(`${mark}: ${sentence}`).toBe(words);
  });

  test('who is switched off stands last and is not counted', () => {
    const off = { type: 'ollama', enabled: false, hasKey: false } as AdminState['settings']['providers'][string];
    const providers = shownProviders(stateOf([provider('a')], { providers: { off, a: { ...off, enabled: true } } }));
    expect(providers.map((each) => [each.provider, each.mark])).toEqual([
      ['a', 'ok'],
      ['off', 'off'],
    ]);
    expect(verdictOf(providers, 'ok', false).sentence).toBe('The only provider serves calls');
  });
});

describe('what is typed', () => {
  const specs: readonly FieldSpec[] = [
    { name: 'weight', label: 'Weight', kind: 'number' },
    { name: 'model', label: 'Model', kind: 'text' },
    { name: 'affinity', label: 'Affinity', kind: 'flag' },
    { name: 'order', label: 'Order', kind: 'order' },
    { name: 'timeouts.idleMs', label: 'Idle', kind: 'number' },
    { name: 'timeouts.totalMs', label: 'Total', kind: 'number' },
  ];
  const current = { weight: 2, model: 'm', affinity: true, order: ['gpu', ['a', 'b']], timeouts: { idleMs: 5, totalMs: 9 } };

  test('makes a patch of what differs: empty fields are null, objects are whole', () => {
    expect(patchOf(specs, {}, current)).toEqual({});
    expect(patchOf(specs, { weight: '2', model: ' m ', order: 'gpu, a = b' }, current)).toEqual({});
    const edits = { weight: ' 0.5 ', model: '', affinity: 'false', order: 'a=b , gpu,', 'timeouts.idleMs': '7' };
    expect(patchOf(specs, edits, current)).toEqual({
      weight: 0.5,
      model: null,
      affinity: false,
      order: [['a', 'b'], 'gpu'],
      timeouts: { idleMs: 7, totalMs: 9 },
    });
    expect(patchOf(specs, { 'timeouts.totalMs': '' }, current)).toEqual({ timeouts: { idleMs: 5 } });
  });

  test('is a number where it has to be one', () => {
    const [weight] = specs as [FieldSpec];
    expect(['1', '0.25', '-1', '1e3', ''].map((text) => problemOf(weight, text))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(['x', '1,5', 'Infinity', 'NaN'].map((text) => problemOf(weight, text))).toEqual(Array(4).fill('Weight must be a number.'));
    expect(problemOf({ ...weight, isRequired: true }, ' ')).toBe('Weight is missing.');
  });

  test('an order reads the same both ways', () => {
    for (const order of [[], ['gpu'], ['gpu', ['box-1', 'box-2'], 'cpu']]) expect(orderFromText(orderToText(order))).toEqual(order);
    expect(shownValue(['gpu', ['a', 'b']])).toBe('gpu, a = b');
  });
});

describe('figures', () => {
  test('times read as a person says them', () => {
    const away = [0, 999, 1_000, 59_999, 90_000, 3_600_000, 7_500_000, 90_000_000].map((ms) => relativeTime(nowMs + ms, nowMs));
    expect(away).toEqual(['now', 'now', 'in 1 s', 'in 59 s', 'in 1 min', 'in 1 h', 'in 2 h 5 min', 'in 1 d 1 h']);
    expect(relativeTime(nowMs - 3_000, nowMs)).toBe('3 s ago');
    expect([0.2, 12.4, 999, 1_240, 12_400, 90_000].map(duration)).toEqual(['0 ms', '12 ms', '999 ms', '1.2 s', '12 s', '1.5 min']);
    expect(clockTime(nowMs, nowMs)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(clockTime(nowMs - 90_000_000, nowMs)).toMatch(/\d+ Jan.* \d\d:\d\d:\d\d$/);
  });

  test('counts and lists', () => {
    expect([0, 1, 2, 12_000].map((count) => counted(count, 'call'))).toEqual(['0 calls', '1 call', '2 calls', '12,000 calls']);
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c']);
  });
});

test('frames are read however the bytes arrive', async () => {
  const bytes = new TextEncoder().encode(': \n\ndata: {"a":"ü"}\n\nevent: x\ndata: 1\ndata: 2\n\ndata: half');
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
        controller.close();
      },
    });
    const read: string[] = [];
    for await (const frame of readFrames(body)) read.push(frame);
    expect(read).toEqual(['', '{"a":"ü"}', '1\n2']);
  }
});
