import { describe, expect, test } from 'vitest';
import { closedBreaker } from '../../src/breaker/breaker.ts';
import { createModelStates, type ModelState } from '../../src/router/model-state.ts';
import { Forgetting } from '../../src/router/forgetting.ts';

const most = 1_000;
const states = createModelStates();

/** What is known of a model, as far as it matters here. */
const known = (by: Partial<ModelState> = {}): ModelState => ({ ...states.peek('m'), ...by });

interface Memory {
  readonly kept: Map<string, ModelState>;
  /** How often all were looked at. */
  looks(): number;
  add(name: string, by?: Partial<ModelState>): ModelState;
  /** Forgets so many, and says which. */
  forget(count: number): string[];
}

function memoryOf(all: readonly (readonly [string, Partial<ModelState>])[]): Memory {
  let looks = 0;
  class Counted extends Map<string, ModelState> {
    override [Symbol.iterator](): MapIterator<[string, ModelState]> {
      looks += 1;
      return super[Symbol.iterator]();
    }
  }
  const kept = new Counted();
  const forgetting = new Forgetting(kept);
  const add = (name: string, by: Partial<ModelState> = {}): ModelState => {
    const state = known(by);
    kept.set(name, state);
    forgetting.note(name, state);
    return state;
  };
  for (const [name, by] of all) add(name, by);
  const forget = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const before = new Set(kept.keys());
      forgetting.makeRoom();
      return [...before].filter((name) => !kept.has(name)).join(' and ');
    });
  return { kept, looks: () => looks, add, forget };
}

/** Names by when they answered, which is another order than that in which they came. */
const answered = (count: number): [string, Partial<ModelState>][] =>
  Array.from({ length: count }, (_, index) => {
    const servedAtMs = (index * 7_919) % count;
    return [`at ${servedAtMs}`, { servedAtMs }];
  });
const from = (first: number, count: number): string[] => Array.from({ length: count }, (_, index) => `at ${first + index}`);
const isOpen = { ...closedBreaker, is: 'open', untilMs: 1 } as unknown as ModelState['breaker'];

describe('of models that have answered', () => {
  test('those go first that have not for longest', () => expect(memoryOf(answered(most)).forget(350)).toEqual(from(0, 350)));

  test('all are looked at once for 500 that go', () => {
    const memory = memoryOf(answered(most));
    memory.forget(most);
    expect(memory.looks()).toBe(2);
  });

  test('one is spared that has answered since it was to go', () => {
    const memory = memoryOf(answered(most));
    expect(memory.forget(1)).toEqual(['at 0']);
    (memory.kept.get('at 1') as ModelState).servedAtMs = most;
    expect(memory.forget(2)).toEqual(['at 2', 'at 3']);
  });

  test.each<[string, Partial<ModelState>]>([
    ['is in use', { inFlight: 1 }],
    ['has opened its breaker', { breaker: isOpen }],
  ])('one is spared that %s since it was to go', (_, by) => {
    const memory = memoryOf(answered(most));
    memory.forget(1);
    Object.assign(memory.kept.get('at 1') as ModelState, by);
    expect(memory.forget(1)).toEqual(['at 2']);
  });
});

describe('one that has never answered', () => {
  test('goes before all that have, also where it came after they were chosen', () => {
    const memory = memoryOf(answered(most));
    memory.forget(1);
    memory.add('asked in vain');
    expect(memory.forget(2)).toEqual(['asked in vain', 'at 1']);
  });

  test('stays while it is asked, and goes when that was in vain', () => {
    const memory = memoryOf(answered(most));
    memory.forget(1);
    const asked = memory.add('asked', { inFlight: 1 });
    expect(memory.forget(1)).toEqual(['at 1']);
    asked.inFlight = 0;
    expect(memory.forget(1)).toEqual(['asked']);
  });

  test('has its place by its answer when it gives one', () => {
    const memory = memoryOf(answered(3));
    memory.forget(1);
    memory.add('new', { inFlight: 1 });
    Object.assign(memory.kept.get('new') as ModelState, { inFlight: 0, servedAtMs: 1.5 });
    expect(memory.forget(3)).toEqual(['at 1', 'at 2', 'new']);
  });
});

describe('where every model keeps calls away', () => {
  test('the one goes that has not answered for longest', () => {
    const memory = memoryOf([
      ['a', { servedAtMs: 2, breaker: isOpen }],
      ['b', { servedAtMs: 1, breaker: isOpen }],
    ]);
    expect(memory.forget(3)).toEqual(['b', 'a', '']);
  });

  test('one that has gone is not looked at any more', () => {
    const memory = memoryOf([
      ['a', { breaker: isOpen }],
      ['b', { breaker: isOpen }],
    ]);
    let looks = 0;
    const servedAtMs = (): number => ((looks += 1), -Infinity);
    Object.defineProperty(memory.kept.get('a'), 'servedAtMs', { get: servedAtMs });
    expect(memory.forget(1)).toEqual(['a']);
    const before = looks;
    expect([memory.forget(1), looks]).toEqual([['b'], before]);
  });

  test('none goes that is in use', () => {
    expect(memoryOf([['a', { breaker: isOpen, inFlight: 1 }]]).forget(1)).toEqual(['']);
  });
});
