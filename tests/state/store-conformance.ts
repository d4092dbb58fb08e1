import { afterEach, expect, test } from 'vitest';
import { type Change, longestValue, mostConclusions, type StateStore, type StoreConnection, type Synced } from '../../src/state/store.ts';

/** One store under test, empty at first; `pass` lets its time go on. */
export interface StoreBench {
  open(): Promise<StateStore>;
  pass(ms: number): Promise<void>;
}

/** What every store promises, whatever it is made of. */
export function storeConformance({ open, pass }: StoreBench): void {
  const connections: StoreConnection[] = [];
  let store: StateStore | undefined;
  const connect = async (): Promise<StoreConnection> => {
    store ??= await open();
    const connection = store.connect();
    connections.push(connection);
    await ready(connection);
    return connection;
  };
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    store = undefined;
  });

  test('what one member writes another one reads, in the order in which it was written', async () => {
    const [one, other] = [await connect(), await connect()];
    const written = await write(one, 'one', { name: 'a', value: '1', keepMs: 60_000 }, { name: 'b', value: '2', keepMs: 60_000 });
    await write(one, 'one', { name: 'a', value: '3', keepMs: 60_000 });
    const synced = await read(other);
    expect(named(written)).toEqual(['a=1', 'b=2']);
    expect(named(synced)).toEqual(['b=2', 'a=3']);
    expect(synced.conclusions.every(({ ageMs }) => ageMs >= 0 && ageMs < 30_000)).toBe(true);
  });

  test('a member that has seen a version gets only what is newer, and versions grow', async () => {
    const connection = await connect();
    const first = await write(connection, 'one', { name: 'a', value: '1', keepMs: 60_000 });
    const second = await connection.sync({
      member: 'one',
      changes: [{ name: 'b', value: '2', keepMs: 60_000 }],
      sinceVersion: first.version,
    });
    expect(named(second)).toEqual(['b=2']);
    expect(second.version).toBeGreaterThan(first.version);
    expect(second.conclusions[0]?.version).toBe(second.version);
    expect(await read(connection, second.version)).toMatchObject({ version: second.version, conclusions: [] });
  });

  test('what has ended is not read, and what is left is not read again for that', async () => {
    const connection = await connect();
    await write(connection, 'one', { name: 'long', value: '1', keepMs: 60_000 }, { name: 'short', value: '2', keepMs: 150 });
    const { version } = await read(connection);
    await pass(200);
    expect(named(await read(connection))).toEqual(['long=1']);
    expect(await read(connection, version)).toMatchObject({ version, conclusions: [] });
  });

  test('the age is the time since it was written, and grows', async () => {
    const connection = await connect();
    await write(connection, 'one', { name: 'a', value: '1', keepMs: 60_000 });
    await pass(120);
    const [conclusion] = (await read(connection)).conclusions;
    expect(conclusion?.ageMs).toBeGreaterThanOrEqual(110);
  });

  test.each([Number.NaN, -1, -Infinity, 0])('what is to be kept for %s ms is not kept', async (keepMs) => {
    const connection = await connect();
    expect(await write(connection, 'one', { name: 'a', value: '1', keepMs })).toMatchObject({ conclusions: [], refused: [] });
  });

  test('nothing is kept for longer than a day, and fractions of milliseconds do no harm', async () => {
    const connection = await connect();
    await write(connection, 'one', { name: 'a', value: '1', keepMs: Infinity }, { name: 'b', value: '2', keepMs: 60_000.5 });
    expect(named(await read(connection))).toEqual(['a=1', 'b=2']);
  });

  test.each([
    ['a colon', 'a:b::c'],
    ['a line break', 'a\nb\r\n'],
    ['a NUL', 'a\0b'],
    ['braces and blanks', '{a} b'],
    ['the name of a prototype', '__proto__'],
    ['half a character', '\uD800'],
    ['nothing', ''],
    ['10,000 characters', 'ä'.repeat(10_000)],
  ])('a name with %s comes back as it is', async (_what, name) => {
    const connection = await connect();
    await write(connection, 'one', { name, value: `{"__proto__":1} ${name}`.slice(0, 99), keepMs: 60_000 });
    await write(connection, 'one', { name: `${name}\uD801`, value: 'other', keepMs: 60_000 });
    const { conclusions } = await read(connection);
    expect(conclusions.map((one) => one.name)).toEqual([name, `${name}\uD801`]);
    expect(conclusions[0]?.value).toBe(`{"__proto__":1} ${name}`.slice(0, 99));
  });

  test('names that differ in half a character only are two', async () => {
    const connection = await connect();
    const names = ['\uD800', '\uD801', '\uFFFD'];
    await write(connection, 'one', ...names.map((name) => ({ name, value: 'v', keepMs: 60_000 })));
    expect((await read(connection)).conclusions.map(({ name }) => name)).toEqual(names);
  });

  test('a value of 2,048 characters is kept, a longer one is not, and that is told once', async () => {
    const connection = await connect();
    const odd: string[] = [];
    connection.onOdd((message) => odd.push(message));
    const longest = '\u{1F600}'.repeat(longestValue / 2);
    for (let time = 0; time < 2; time++) {
      await write(
        connection,
        'one',
        { name: 'a', value: longest, keepMs: 60_000 },
        { name: 'b', value: `${longest}!`, keepMs: 60_000 },
        { name: 'n'.repeat(70_000), value: '1', keepMs: 60_000 },
      );
    }
    expect(named(await read(connection))).toEqual([`a=${longest}`]);
    expect(odd).toEqual([expect.stringContaining('not written')]);
  });

  test('beyond the most conclusions there may be, the oldest go', { timeout: 60_000 }, async () => {
    const connection = await connect();
    const all = Array.from({ length: mostConclusions + 3 }, (_, place) => ({ name: `${place}`, value: 'v', keepMs: 60_000 }));
    for (let place = 0; place < all.length; place += 500) await write(connection, 'one', ...all.slice(place, place + 500));
    const { conclusions } = await read(connection);
    expect(conclusions).toHaveLength(mostConclusions);
    expect(conclusions[0]?.name).toBe('3');
  });

  test('members are those that have synced within 10 s, each counted once', async () => {
    const [one, other] = [await connect(), await connect()];
    await write(one, 'one');
    await write(one, 'one');
    expect(await write(other, 'other')).toMatchObject({ members: 2 });
  });

  test('others hear of what is written, the writer does not, and nobody hears of a sync that writes nothing', async () => {
    const [one, other] = [await connect(), await connect()];
    const heard = { one: 0, other: 0 };
    one.onChange(() => heard.one++);
    other.onChange(() => heard.other++);
    const writeUntil = (connection: StoreConnection, member: 'one' | 'other', hearer: 'one' | 'other'): Promise<void> =>
      expect
        .poll(() => write(connection, member, { name: 'a', value: '1', keepMs: 60_000 }).then(() => heard[hearer]), { timeout: 10_000 })
        .toBeGreaterThan(0);
    await write(other, 'other');
    await writeUntil(one, 'one', 'other');
    await pass(50);
    expect(heard.one).toBe(0);
    const before = heard.other;
    await writeUntil(other, 'other', 'one');
    await pass(50);
    expect(heard.other).toBe(before);
    const all = { ...heard };
    await write(one, 'one');
    await write(other, 'other');
    await pass(50);
    expect(heard).toEqual(all);
  });

  test('a lease has one holder until it ends, and the next one has a higher fence', async () => {
    const [one, other] = [await connect(), await connect()];
    const ask = { name: 'probe', token: 'one', forMs: 30_000 };
    const first = await one.lease(ask);
    expect(leftOf(await other.lease({ ...ask, token: 'other' }))).toBeLessThanOrEqual(30_000);
    await one.lease({ ...ask, forMs: 50 });
    await pass(70);
    const second = await other.lease({ ...ask, token: 'other' });
    expect(fenceOf(second)).toBeGreaterThan(fenceOf(first));
    expect(leftOf(await one.lease(ask))).toBeGreaterThan(0);
    expect(await other.lease({ ...ask, name: 'another probe' })).toMatchObject({ isMine: true });
  });

  test('the holder makes its lease longer, its fence stays, and no lease is longer than an hour', async () => {
    const connection = await connect();
    const ask = { name: 'probe', token: 'one', forMs: 30_000 };
    const first = await connection.lease(ask);
    expect(fenceOf(await connection.lease({ ...ask, forMs: Infinity }))).toBe(fenceOf(first));
    const leftMs = leftOf(await connection.lease({ ...ask, token: 'other' }));
    expect(leftMs).toBeGreaterThan(60_000);
    expect(leftMs).toBeLessThanOrEqual(3_600_000);
  });

  test('a lease that is given back is free, and only its holder gives it back', async () => {
    const connection = await connect();
    const first = await connection.lease({ name: 'probe', token: 'one', forMs: 60_000 });
    await connection.release('probe', 'other');
    await connection.release('nothing', 'one');
    expect(await connection.lease({ name: 'probe', token: 'other', forMs: 60_000 })).toMatchObject({ isMine: false });
    await connection.release('probe', 'one');
    const second = await connection.lease({ name: 'probe', token: 'other', forMs: 60_000 });
    expect(fenceOf(second)).toBeGreaterThan(fenceOf(first));
  });

  test('a result of a lease is refused as soon as somebody has a younger one, and only then', async () => {
    const connection = await connect();
    const late = fenceOf(await connection.lease({ name: 'a', token: 'one', forMs: 50 }));
    await pass(60);
    const change = { name: 'a', value: 'late', keepMs: 60_000, fence: late };
    expect(await write(connection, 'one', change)).toMatchObject({ refused: [] });
    const young = fenceOf(await connection.lease({ name: 'a', token: 'other', forMs: 50 }));
    expect(await write(connection, 'one', change, { name: 'b', value: '1', keepMs: 60_000 })).toMatchObject({ refused: ['a'] });
    await connection.release('a', 'other');
    expect(await write(connection, 'one', change)).toMatchObject({ refused: ['a'] });
    await write(connection, 'other', { ...change, value: 'young', fence: young });
    expect(named(await read(connection))).toEqual(['b=1', 'a=young']);
  });

  test('an allowance begins full, gives what is there, and says how long the rest takes', async () => {
    const connection = await connect();
    const ask = { name: 'rpm', perMinute: 60, most: 3, wanted: 2, least: 2 };
    const answers = await connection.take([ask, ask, { ...ask, least: 0 }, ask]);
    expect(answers.map(({ given }) => given)).toEqual([2, 0, 1, 0]);
    expect(answers.map(({ waitMs }) => waitMs > 0)).toEqual([false, true, false, true]);
    expect(answers[1]?.waitMs).toBeLessThanOrEqual(1_000);
    expect(answers[3]?.waitMs).toBeGreaterThan(1_000);
    expect(answers[3]?.waitMs).toBeLessThanOrEqual(2_000);
  });

  test('an allowance refills evenly, never beyond its most, and takes back', async () => {
    const connection = await connect();
    const ask = { name: 'tpm', perMinute: 60_000, most: 500, wanted: 500, least: 500 };
    await connection.take([ask]);
    await pass(110);
    const [some] = await connection.take([{ ...ask, least: 0 }]);
    expect(some?.given).toBeGreaterThanOrEqual(100);
    await pass(600);
    await connection.take([{ ...ask, wanted: 1, least: 1 }]);
    await pass(100);
    expect((await connection.take([{ ...ask, wanted: 501, least: 0 }]))[0]?.given).toBe(500);
    await connection.take([{ ...ask, perMinute: 0, wanted: -700 }]);
    expect((await connection.take([{ ...ask, perMinute: 0, wanted: 900, least: 0 }]))[0]?.given).toBe(500);
  });

  test('what can never be there takes for ever, and asking for nothing takes nothing', async () => {
    const connection = await connect();
    const [beyond, dry, full, none] = await connection.take([
      { name: 'small', perMinute: 60, most: 5, wanted: 6, least: 6 },
      { name: 'dry', perMinute: 0, most: 0, wanted: 1, least: 1 },
      { name: 'asked', perMinute: 60, most: 5, wanted: 0, least: 0 },
      { name: 'odd', perMinute: Number.NaN, most: Number.NaN, wanted: Number.NaN, least: Number.NaN },
    ]);
    expect(beyond).toEqual({ given: 0, waitMs: Infinity });
    expect(dry).toEqual({ given: 0, waitMs: Infinity });
    expect(full).toEqual({ given: 0, waitMs: 0 });
    expect(none).toEqual({ given: 0, waitMs: Infinity });
    expect(await connection.take([])).toEqual([]);
  });

  test('sums are added up by name and window, and begin anew with the next one', async () => {
    const connection = await connect();
    const hour = { name: 'usd', windowMs: 3_600_000, amount: 1 };
    const short = { name: 'usd', windowMs: 2_000, amount: 0.25 };
    const [first, second, other, back] = await connection.add([short, short, { ...short, name: 'eur' }, { ...short, amount: -0.1 }]);
    expect([first?.total, second?.total, other?.total]).toEqual([0.25, 0.5, 0.25]);
    expect(back?.total).toBeCloseTo(0.4, 12);
    expect(back?.leftMs).toBeGreaterThan(0);
    expect(back?.leftMs).toBeLessThanOrEqual(2_000);
    await pass((back?.leftMs ?? 0) + 10);
    expect((await connection.add([{ ...short, amount: 0 }]))[0]?.total).toBe(0);
    expect((await connection.add([{ ...short, amount: 3 }, hour, { ...short, amount: Number.NaN }])).map(({ total }) => total)).toEqual([
      3, 1, 3,
    ]);
  });

  test('a connection that is closed rejects every question, and closing it again does nothing', async () => {
    const connection = await connect();
    await connection.close();
    await connection.close();
    const questions = [
      read(connection),
      connection.lease({ name: 'a', token: 'b', forMs: 1 }),
      connection.release('a', 'b'),
      connection.take([]),
      connection.add([]),
    ];
    const answers = await Promise.allSettled(questions);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
    for (const answer of answers) expect(String((answer as PromiseRejectedResult).reason)).toMatch(/^Error: CLOSED /);
  });
}

export function fenceOf(answer: Awaited<ReturnType<StoreConnection['lease']>>): number {
  if (!answer.isMine) throw new Error('The lease is somebody else’s.');
  return answer.fence;
}

export function leftOf(answer: Awaited<ReturnType<StoreConnection['lease']>>): number {
  if (answer.isMine) throw new Error('The lease is the asker’s.');
  return answer.leftMs;
}

/** Waits until the connection answers. */
export async function ready(connection: StoreConnection): Promise<void> {
  await expect.poll(() => connection.add([]).then(() => true, String), { timeout: 10_000, interval: 10 }).toBe(true);
}

export function write(connection: StoreConnection, member: string, ...changes: readonly Change[]): Promise<Synced> {
  return connection.sync({ member, changes, sinceVersion: 0 });
}

export function read(connection: StoreConnection, sinceVersion = 0): Promise<Synced> {
  return connection.sync({ member: 'reader', changes: [], sinceVersion });
}

export function named(synced: Synced): string[] {
  return synced.conclusions.map(({ name, value }) => `${name}=${value}`);
}
