import { describe, expect, test } from 'vitest';
import { nextOf, type Polled, pending, PolledPromises, Waker } from '../../src/lib/polled.ts';

/** What is added, one at a time. */
class Source implements Polled<string> {
  readonly #values: (string | undefined)[] = [];
  #wake: () => void = () => undefined;

  add(value: string | undefined): void {
    this.#values.push(value);
    this.#wake();
  }

  wakeForNothing(): void {
    this.#wake();
  }

  poll(wake: () => void): string | typeof pending | undefined {
    this.#wake = wake;
    return this.#values.length > 0 ? this.#values.shift() : pending;
  }
}

describe('who waits for the next value', () => {
  test('gets the one that is there, and the one that comes', async () => {
    const source = new Source();
    source.add('here');
    expect(await nextOf(source)).toBe('here');
    const later = nextOf(source);
    source.add('later');
    expect(await later).toBe('later');
  });

  test('is told of the end', async () => {
    const source = new Source();
    source.add(undefined);
    expect(await nextOf(source)).toBeUndefined();
  });

  test('goes on waiting when woken for nothing', async () => {
    const source = new Source();
    const next = nextOf(source);
    source.wakeForNothing();
    await Promise.resolve();
    source.wakeForNothing();
    source.add('at last');
    expect(await next).toBe('at last');
  });

  test('is told what broke', async () => {
    const broken: Polled<string> = {
      poll() {
        throw new Error('broken');
      },
    };
    await expect(nextOf(broken)).rejects.toThrow('broken');
  });
});

test('a waker wakes once, and those who do not wait are not woken', async () => {
  const waker = new Waker();
  waker.wake();
  let woken = 0;
  void waker.sleep().then(() => (woken += 1));
  await Promise.resolve();
  expect(woken).toBe(0);
  waker.wake();
  waker.wake();
  await new Promise((resolve) => void setImmediate(resolve));
  expect(woken).toBe(1);
});

/** Polls what resolves with these, and counts what was asked of it. */
function polled(...results: readonly (string | Error | undefined)[]) {
  let asked = 0;
  const next = async (): Promise<{ readonly value: string | undefined }> => {
    const result = results[asked++];
    if (result instanceof Error) throw result;
    return { value: result };
  };
  return { source: new PolledPromises(next, ({ value }) => value), asked: () => asked };
}

describe('what gives promises', () => {
  test('is read in order, up to its end', async () => {
    const { source } = polled('one', 'two', undefined);
    expect([await nextOf(source), await nextOf(source), await nextOf(source)]).toEqual(['one', 'two', undefined]);
  });

  test('is not asked before it is polled, and once for each value, however often it is polled', async () => {
    const { source, asked } = polled('one');
    expect(asked()).toBe(0);
    expect([source.poll(() => undefined), source.poll(() => undefined)]).toEqual([pending, pending]);
    expect(asked()).toBe(1);
    expect(await nextOf(source)).toBe('one');
    expect(asked()).toBe(1);
  });

  test('throws what a promise was rejected with, once', async () => {
    const { source } = polled('one', new Error('broken'), 'three');
    expect(await nextOf(source)).toBe('one');
    await expect(nextOf(source)).rejects.toThrow('broken');
    expect(await nextOf(source)).toBe('three');
  });

  test('may throw at once, and be asked again', async () => {
    let asked = 0;
    const source = new PolledPromises(
      () => {
        asked += 1;
        if (asked === 1) throw new Error('at once');
        return Promise.resolve('after it');
      },
      (value) => value,
    );
    await expect(nextOf(source)).rejects.toThrow('at once');
    expect(await nextOf(source)).toBe('after it');
  });

  test('harms nobody when it is rejected after its reader has gone', async () => {
    const { source } = polled(new Error('too late'));
    expect(source.poll(() => undefined)).toBe(pending);
    await new Promise((resolve) => void setImmediate(resolve));
  });
});
