import { EventEmitter } from 'eventemitter3';
import { describe, expect, test } from 'vitest';
import { createEmitter, type RouterEmitter } from '../../src/core/emitter.ts';

const emitter = (): RouterEmitter => createEmitter(new EventEmitter());
const up = (provider: string): { provider: string } => ({ provider });

/** Registers listeners that write down who was called with which provider. */
function heard(router: RouterEmitter, ...names: string[]): string[] {
  const calls: string[] = [];
  for (const name of names) router.on('provider:up', ({ provider }) => calls.push(`${name} ${provider}`));
  return calls;
}

function failures(router: RouterEmitter): unknown[] {
  const reports: unknown[] = [];
  router.on('listener:error', (payload) => reports.push(payload));
  return reports;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('listeners', () => {
  test('are called in the order they came, each with the payload itself', () => {
    const router = emitter();
    const calls = heard(router, 'first', 'second');
    router.announce('provider:up', up('gpu'));
    expect(calls).toEqual(['first gpu', 'second gpu']);
  });

  test('of other events are not called', () => {
    const router = emitter();
    const calls = heard(router, 'only');
    router.announce('provider:down', { provider: 'gpu', reason: 'auth' });
    expect(calls).toEqual([]);
  });

  test('are called no more after off', () => {
    const router = emitter();
    const calls: string[] = [];
    const listener = ({ provider }: { provider: string }): number => calls.push(provider);
    router.on('provider:up', listener);
    router.announce('provider:up', up('a'));
    router.off('provider:up', listener);
    router.announce('provider:up', up('b'));
    expect(calls).toEqual(['a']);
  });

  test('that were registered by once are called once', () => {
    const router = emitter();
    const calls: string[] = [];
    router.once('provider:up', ({ provider }) => calls.push(provider));
    router.announce('provider:up', up('a'));
    router.announce('provider:up', up('b'));
    expect(calls).toEqual(['a']);
  });

  test('can be registered by once and taken back before they are called', () => {
    const router = emitter();
    const calls: string[] = [];
    const listener = ({ provider }: { provider: string }): number => calls.push(provider);
    router.once('provider:up', listener);
    router.off('provider:up', listener);
    router.announce('provider:up', up('a'));
    expect(calls).toEqual([]);
  });

  test('stay where the same function was registered by once as well', () => {
    const router = emitter();
    const calls: string[] = [];
    const listener = ({ provider }: { provider: string }): number => calls.push(provider);
    router.on('provider:up', listener);
    router.once('provider:up', listener);
    for (const provider of ['a', 'b', 'c']) router.announce('provider:up', up(provider));
    expect(calls).toEqual(['a', 'a', 'b', 'c']);
  });
});

describe('a listener that changes the listeners while it is called', () => {
  test('may take itself out, and the others are called all the same', () => {
    const router = emitter();
    const before = heard(router, 'before');
    const leave = (): void => router.off('provider:up', leave);
    router.on('provider:up', leave);
    const after = heard(router, 'after');
    router.announce('provider:up', up('a'));
    router.announce('provider:up', up('b'));
    expect([before, after]).toEqual([
      ['before a', 'before b'],
      ['after a', 'after b'],
    ]);
  });

  test('may take out a later one, which is then not called any more', () => {
    const router = emitter();
    const calls: string[] = [];
    const later = (): void => void calls.push('later');
    router.on('provider:up', () => router.off('provider:up', later));
    router.on('provider:up', later);
    router.announce('provider:up', up('a'));
    expect(calls).toEqual([]);
  });

  test('may add one, which hears of the next event', () => {
    const router = emitter();
    const calls: string[] = [];
    router.once('provider:up', () => router.on('provider:up', ({ provider }) => calls.push(provider)));
    router.announce('provider:up', up('a'));
    router.announce('provider:up', up('b'));
    expect(calls).toEqual(['b']);
  });

  test('may set off the same event again, and still nobody who wanted one hears two', () => {
    const router = emitter();
    const calls: string[] = [];
    router.once('provider:up', ({ provider }) => {
      calls.push(`first ${provider}`);
      router.announce('provider:up', up('b'));
    });
    router.once('provider:up', ({ provider }) => calls.push(`second ${provider}`));
    router.announce('provider:up', up('a'));
    expect(calls).toEqual(['first a', 'second b']);
  });
});

describe('a listener that fails', () => {
  const fault = new Error('the listener broke');

  test('changes nothing for the router or for other listeners', () => {
    const router = emitter();
    router.on('provider:up', () => {
      throw fault;
    });
    const calls = heard(router, 'other');
    expect(() => router.announce('provider:up', up('a'))).not.toThrow();
    expect(calls).toEqual(['other a']);
  });

  test('is reported once and goes on being called', () => {
    const router = emitter();
    const reports = failures(router);
    let calls = 0;
    router.on('provider:up', () => {
      calls += 1;
      throw fault;
    });
    for (const provider of ['a', 'b', 'c']) router.announce('provider:up', up(provider));
    expect(reports).toEqual([{ event: 'provider:up', error: fault }]);
    expect(calls).toBe(3);
  });

  test('does not silence the report of another one', () => {
    const router = emitter();
    const reports = failures(router);
    for (const text of ['one', 'two']) {
      router.on('provider:up', () => {
        throw new Error(text);
      });
    }
    router.announce('provider:up', up('a'));
    expect(reports).toHaveLength(2);
  });

  test('by a rejected promise is reported in the same way, and no rejection is left unhandled', async () => {
    const router = emitter();
    const reports = failures(router);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', note);
    // A listener's type promises nothing, so that async functions fit, too.
    router.on('provider:up', async () => Promise.reject(fault));
    router.announce('provider:up', up('a'));
    router.announce('provider:up', up('b'));
    await turn();
    process.off('unhandledRejection', note);
    expect(reports).toEqual([{ event: 'provider:up', error: fault }]);
    expect(unhandled).toEqual([]);
  });

  test('by rejecting something that only looks like a promise is reported, too', async () => {
    const router = emitter();
    const reports = failures(router);
    // oxlint-disable-next-line unicorn/no-thenable -- what other promise libraries return
    const thenable = { then: (_resolve: () => void, reject: (reason: unknown) => void) => reject(fault) };
    router.on('provider:up', () => thenable);
    router.announce('provider:up', up('a'));
    await turn();
    expect(reports).toEqual([{ event: 'provider:up', error: fault }]);
  });

  test('while it hears of failures starts no endless round', () => {
    const router = emitter();
    let calls = 0;
    router.on('listener:error', () => {
      calls += 1;
      throw fault;
    });
    router.on('provider:up', () => {
      throw fault;
    });
    expect(() => router.announce('provider:up', up('a'))).not.toThrow();
    expect(calls).toBe(2);
  });
});
