import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { EventEmitter } from 'eventemitter3';
import { type Logger as PinoLogger, pino } from 'pino';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { createEmitter } from '../../src/core/emitter.ts';
import { eventNames } from '../../src/core/events.ts';
import type { Logger } from '../../src/core/logger.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { logEvents } from '../../src/router/log-events.ts';
import { fault, hang, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, readAll } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';

interface Written {
  readonly level: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps what it is told. */
function keeping(): { readonly logger: Logger; readonly lines: Written[]; of(event: string): Written[] } {
  const lines: Written[] = [];
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: fields as Written['fields'], message });
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger, lines, of: (event) => lines.filter(({ fields }) => fields['event'] === event) };
}

const throwing = (): never => {
  throw new Error('of the logger');
};

// oxlint-disable-next-line unicorn/no-thenable -- what other promise libraries return
const foreignRejection = { then: (_: unknown, reject: (reason: Error) => void) => reject(new Error('of the logger')) };

const never = (): Promise<void> => new Promise(() => undefined);

describe('a line', () => {
  test('of an answer has who answered, with what, in how many milliseconds, and which call it was', async () => {
    const { logger, of } = keeping();
    const { router } = fakeRouter({ gpu: 'yes' }, { logger });
    const { route } = await router.chat(hello);
    expect(of('request:end')).toEqual([
      {
        level: 'info',
        message: 'A call is answered.',
        fields: expect.objectContaining({
          event: 'request:end',
          requestId: route.requestId,
          provider: 'gpu',
          model: 'm',
          latencyMs: 0,
          attempts: 1,
        }),
      },
    ]);
  });

  test('of a failure has the error as code and message, and a level by what it costs the caller', async () => {
    const { logger, of } = keeping();
    const { router } = fakeRouter({ gpu: [fault('driver'), fault('bad_request')] }, { logger, maxAttempts: 1 });
    const failures = [await failureOf(router.chat(hello)), await failureOf(router.chat(hello))];
    expect(of('request:error').map(({ level, fields }) => [level, fields['error']])).toEqual([
      ['error', { code: (failures[0] as { code: string }).code, message: (failures[0] as Error).message }],
      ['warn', { code: 'bad_request', message: (failures[1] as Error).message }],
    ]);
  });

  test('of a call that its caller ended is no failure, and tells nothing of the reason', async () => {
    const { logger, of } = keeping();
    const { router, clock } = fakeRouter({ gpu: hang }, { logger });
    const left = new AbortController();
    const failure = failureOf(router.chat(hello, { signal: left.signal }));
    await clock.settle();
    left.abort(new Error('canary of the caller'));
    await failure;
    const [{ level, fields } = {}] = of('request:error');
    expect([level, fields?.['aborted']]).toEqual(['info', true]);
    expect(inspect(of('request:error'), { depth: 9 })).not.toContain('canary');
    expect(of('attempt:error').map((line) => line.level)).toEqual(['debug']);
  });

  test('tells of times that lie ahead how long they are, because the clock is nobody else’s', async () => {
    const { logger, of } = keeping();
    const { router } = fakeRouter({ gpu: fault('out_of_memory'), cpu: 'yes' }, { logger, pinMs: 60_000 });
    await router.chat(hello);
    expect(of('model:pinned').map(({ level, fields }) => [level, fields['forMs'], 'untilMs' in fields])).toEqual([['warn', 60_000, false]]);
    expect(of('failover').map(({ level, fields }) => [level, fields['from'], fields['to'], fields['reason']])).toEqual([
      ['warn', 'gpu', 'cpu', 'out_of_memory'],
    ]);
  });

  test('names a model shortly and on one line, whatever the caller called it', async () => {
    const { logger, lines } = keeping();
    const { router } = fakeRouter({ gpu: 'yes' }, { logger });
    await router.chat({ ...hello, model: `a\nforged: line\n${'x'.repeat(10_000)}` });
    await router.chat({ ...hello, model: 'sk-canary-key-0123456789abcdef' });
    for (const { fields } of lines) {
      for (const value of Object.values(fields)) if (typeof value === 'string') expect(value).toMatch(/^[^\n]{1,300}$/);
    }
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  test('has no field without a value', async () => {
    const { logger, lines } = keeping();
    const { router } = fakeRouter({ gpu: 'yes' }, { logger });
    await router.chat({ messages: hello.messages });
    expect(lines.length).toBeGreaterThan(3);
    for (const { fields } of lines) expect(Object.values(fields)).not.toContain(undefined);
  });
});

test('every event has a line of its own name', () => {
  const { logger, lines } = keeping();
  const emitter = createEmitter(new EventEmitter());
  logEvents(emitter, () => ({ logger, clock: systemClock }));
  for (const name of eventNames) emitter.announce(name, {} as never);
  expect(lines.map(({ fields }) => fields['event'])).toEqual(eventNames);
  expect(lines.filter(({ message }) => !/^[A-Z].*\.$/.test(message))).toEqual([]);
  expect(new Set(lines.map(({ message }) => message)).size).toBe(eventNames.length);
});

describe('nothing that is secret', () => {
  const key = 'sk-canary-key-0123456789abcdef';
  const prompt = 'The canary prompt is that my grandmother hid the silver spoons under the third stair.';
  const canaries = /canary|grandmother|silver spoons|third stair|answers-path/;
  const asked = { model: 'tiny', messages: [{ role: 'user', content: prompt }] } as const;

  test.each([400, 401, 404, 429, 500])('is in a line where the server repeats it all with status %i', async (status) => {
    await using server = await loopback((request) => {
      const said = `bad things at ${request.headers['authorization']} of http://u:${key}@box/answers-path with ${JSON.stringify(request.body)}`;
      return { status, pieces: [JSON.stringify({ error: { message: said, type: 'server_error', code: said } })] };
    });
    const { logger, lines, of } = keeping();
    await using router = createRouter({
      providers: { box: { type: 'openai-compatible', url: `${server.url}/answers-path`, apiKey: key } },
      logger,
      maxAttempts: 1,
      random: () => 0,
    });
    await failureOf(router.chat(asked));
    await failureOf(router.stream(asked));
    await failureOf(router.embed({ model: 'tiny', input: prompt }));
    await router.health();
    expect(of('attempt:error').length).toBeGreaterThan(0);
    expect(inspect(lines, { depth: 20, maxStringLength: null })).not.toMatch(canaries);
  });

  test('is in the lines of answers, of streams that break, of listeners that throw and of aborts', async () => {
    const { logger, lines, of } = keeping();
    const { router } = fakeRouter(
      { gpu: [prompt, refused(), pieces(prompt, fault('driver'))], cpu: pieces(prompt) },
      { logger, onStreamFailure: 'restart' },
    );
    router.on('request:start', () => {
      throw new Error(prompt);
    });
    await router.chat(asked);
    await router.chat(asked);
    await readAll(await router.stream(asked));
    await failureOf(router.chat(asked, { signal: AbortSignal.abort(new Error(prompt)) }));
    for (const event of ['request:end', 'failover', 'stream:interrupted', 'stream:reset', 'listener:error'])
      expect(of(event), event).not.toEqual([]);
    expect(inspect(lines, { depth: 20, maxStringLength: null })).not.toMatch(canaries);
  });
});

describe('a logger that fails', () => {
  test.each([
    ['throws', throwing],
    ['rejects', () => Promise.reject(new Error('of the logger'))],
    ['rejects by a promise of its own kind', () => foreignRejection],
  ])('and %s changes nothing, and is told to listeners once', async (_, fails) => {
    let lines = 0;
    // It gives up some time: one that is told of its own failures would go on for ever.
    const fail = (): unknown => ((lines += 1) > 200 ? undefined : fails());
    const { router, clock, events } = fakeRouter(
      { gpu: fault('driver'), cpu: 'yes' },
      { logger: { debug: fail, info: fail, warn: fail, error: fail } },
    );
    for (let count = 0; count < 3; count++) expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.settle();
    expect(events.of('listener:error')).toEqual([{ event: 'request:start', error: expect.objectContaining({ message: 'of the logger' }) }]);
  });

  test('and never comes to an end holds no call up', async () => {
    const { router } = fakeRouter({ gpu: 'yes' }, { logger: { debug: never, info: never, warn: never, error: never } });
    expect((await router.chat(hello)).route.provider).toBe('gpu');
  });

  test('at one level still hears of it at the others', async () => {
    const { logger, of } = keeping();
    const { router } = fakeRouter({ gpu: 'yes' }, { logger: { ...logger, debug: throwing } });
    await router.chat(hello);
    expect(of('listener:error').map(({ fields }) => fields['heard'])).toEqual(['request:start']);
    expect(of('request:end')).toHaveLength(1);
  });
});

describe('an update', () => {
  test('without a logger leaves the one there is', async () => {
    const { logger, of } = keeping();
    await using router = createRouter({ providers: { last: { type: 'stub' } }, logger });
    router.update({ providers: { last: { type: 'stub' }, second: { type: 'stub' } } });
    await router.chat(hello);
    expect(of('config:update').map(({ fields }) => fields['added'])).toEqual([['second']]);
    expect(of('request:end')).toHaveLength(1);
  });

  test('with another one writes there from then on, and to the old one no more', async () => {
    const [before, after] = [keeping(), keeping()];
    await using router = createRouter({ providers: { last: { type: 'stub' } }, logger: before.logger });
    await router.chat(hello);
    router.update({ providers: { last: { type: 'stub' } }, logger: after.logger });
    await router.chat(hello);
    expect([before, after].map(({ of }) => [of('request:end').length, of('config:update').length])).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  test('with the first one writes from the update on, each line once', async () => {
    const { logger, of } = keeping();
    await using router = createRouter({ providers: { last: { type: 'stub' } } });
    await router.chat(hello);
    router.update({ providers: { last: { type: 'stub' } } });
    for (let count = 0; count < 2; count++) router.update({ providers: { last: { type: 'stub' } }, logger });
    await router.chat(hello);
    expect([of('config:update').length, of('request:end').length]).toEqual([2, 1]);
  });
});

describe('loggers of others', () => {
  test('pino writes the lines as JSON, at its own level, without a word of adaptation', async () => {
    const written: string[] = [];
    const stream = new Writable({ write: (chunk, _encoding, done) => (written.push(String(chunk)), done()) });
    const logger = pino({ level: 'info' }, stream);
    expectTypeOf<PinoLogger>().toExtend<Logger>();
    const { router } = fakeRouter({ gpu: refused(), cpu: 'yes' }, { logger: logger.child({ service: 'chat' }) });
    await router.chat(hello);
    const lines = written.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      [40, 'attempt:error'],
      [40, 'failover'],
      [30, 'request:end'],
    ]);
    expect(lines[2]).toMatchObject({
      service: 'chat',
      provider: 'cpu',
      model: 'm',
      msg: 'A call is answered.',
      requestId: expect.any(String),
    });
    expect(lines[2]).toHaveProperty('latencyMs');
  });

  test('console will do', async () => {
    expectTypeOf<Console>().toExtend<Logger>();
    const info = vi.spyOn(console, 'info').mockImplementation(() => undefined);
    vi.spyOn(console, 'debug').mockImplementation(() => undefined);
    const { router } = fakeRouter({ gpu: 'yes' }, { logger: console });
    await router.chat(hello);
    expect(info.mock.calls).toEqual([[expect.objectContaining({ event: 'request:end', provider: 'gpu' }), 'A call is answered.']]);
  });
});
