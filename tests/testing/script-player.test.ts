import { expect, test } from 'vitest';
import { loading, models, reply, resident, type Script, status, testClock, when, type WireCall } from '../../src/testing/index.ts';
import { createPlayer, type Player } from '../../src/testing/script-player.ts';

const call: WireCall = { verb: 'chat', method: 'POST', path: '/', headers: {}, body: undefined, model: 'm' };

function player(script: Script): Player {
  return createPlayer(script, testClock());
}

/** The texts of the steps that the calls get. */
function textsOf(script: Script, calls: readonly Partial<WireCall>[]): (string | undefined)[] {
  const { take } = player(script);
  return calls.map((more) => take({ ...call, ...more }).step.answer.text);
}

test('one step is played again and again', () => {
  expect(textsOf(reply('a'), [{}, {}, {}])).toEqual(['a', 'a', 'a']);
});

test('a list is played in order, and its last step again and again', () => {
  expect(textsOf([reply('a'), reply('b')], [{}, {}, {}])).toEqual(['a', 'b', 'b']);
});

test('an empty list answers', () => {
  expect(textsOf([], [{}])).toEqual(['Hello from a fake backend.']);
});

test('a rule comes before the plain steps, wherever it stands, and keeps a place of its own', () => {
  const script = [reply('a'), when({ model: 'x' }, reply('x1'), reply('x2')), reply('b')];
  expect(textsOf(script, [{ model: 'x' }, {}, { model: 'x' }, {}, { model: 'x' }])).toEqual(['x1', 'a', 'x2', 'b', 'x2']);
});

test('the first rule that fits is taken', () => {
  expect(textsOf([when({ verb: 'chat' }, reply('first')), when({}, reply('second'))], [{}, { verb: 'embed' }])).toEqual([
    'first',
    'second',
  ]);
});

test('every field of a matcher must fit', () => {
  const rule = when({ verb: 'stream', model: 'x', where: ({ path }) => path === '/x' }, reply('rule'));
  const fitting: Partial<WireCall> = { verb: 'stream', model: 'x', path: '/x' };
  const calls = [fitting, { ...fitting, verb: 'chat' as const }, { ...fitting, model: undefined }, { ...fitting, path: '/y' }];
  expect(textsOf([rule, reply('plain')], calls)).toEqual(['rule', 'plain', 'plain', 'plain']);
});

test('a rule without steps answers', () => {
  expect(textsOf([when({}), status(500)], [{}])).toEqual(['Hello from a fake backend.']);
});

test('a step that loads is used up when its time is over, counted from the first call', async () => {
  const clock = testClock();
  const { take } = createPlayer([loading(100, reply('a')), reply('b')], clock);
  const seen = (): string => {
    const { step, loadingMs } = take(call);
    return `${step.answer.text} ${loadingMs}`;
  };
  await clock.advance(500);
  const first = [seen(), seen()];
  await clock.advance(40);
  const later = seen();
  await clock.advance(60);
  expect([...first, later, seen(), seen()]).toEqual(['a 100', 'a 100', 'a 60', 'a 0', 'b 0']);
});

test('two steps that load have a time each', async () => {
  const clock = testClock();
  const { take } = createPlayer([loading(100), loading(50)], clock);
  take(call);
  await clock.advance(100);
  take(call);
  expect(take(call).loadingMs).toBe(50);
});

test('the last step does not load again', async () => {
  const clock = testClock();
  const { take } = createPlayer(loading(100), clock);
  take(call);
  await clock.advance(100);
  expect([take(call).loadingMs, take(call).loadingMs]).toEqual([0, 0]);
});

test('the last word about models counts, and a name is enough', () => {
  const { models: listed, resident: loaded } = player([models(['a']), models(['b', { id: 'c', contextLength: 8 }]), resident(['b'])]);
  expect({ listed, loaded }).toEqual({ listed: [{ id: 'b' }, { id: 'c', contextLength: 8 }], loaded: [{ id: 'b' }] });
});

test('a script that says nothing about models leaves them open', () => {
  expect(player(reply())).toMatchObject({ models: undefined, resident: undefined });
});
