import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/state/memory.ts';
import { testClock } from '../_kit/test-clock.ts';
import { storeConformance } from './store-conformance.ts';

describe('a store in memory', () => {
  let clock = testClock();
  storeConformance({
    async open() {
      clock = testClock();
      return memoryStore({ clock });
    },
    pass: (ms) => clock.advance(ms),
  });

  test('two stores share nothing', async () => {
    const [one, other] = [memoryStore().connect(), memoryStore().connect()];
    await one.sync({ member: 'one', changes: [{ name: 'a', value: '1', keepMs: 60_000 }], sinceVersion: 0 });
    expect(await other.sync({ member: 'other', changes: [], sinceVersion: 0 })).toMatchObject({ conclusions: [], members: 1 });
  });

  test('a member that has not synced for 10 s is not counted', async () => {
    const clock = testClock();
    const connection = memoryStore({ clock }).connect();
    await connection.sync({ member: 'one', changes: [], sinceVersion: 0 });
    await clock.advance(10_001);
    expect(await connection.sync({ member: 'other', changes: [], sinceVersion: 0 })).toMatchObject({ members: 1 });
  });
});
