import { describe, expect, test } from 'vitest';
import { loadPrices, type PriceLibrary, pricesFrom, priceTable } from '../../src/config/prices.ts';
import { isRouterError } from '../../src/core/errors.ts';
import { costUsd } from '../../src/routing/cost.ts';
import { issuesOf } from './refusals.ts';

const price = (inputPerMillionUsd: number, outputPerMillionUsd: number) => ({ inputPerMillionUsd, outputPerMillionUsd });

test('the cost of an attempt is that of its prompt and its answer', () => {
  expect(costUsd(price(2.5, 10), 1_000_000, 0)).toBe(2.5);
  expect(costUsd(price(2.5, 10), 0, 1_000_000)).toBe(10);
  expect(costUsd(price(2.5, 10), 2_000, 500)).toBeCloseTo(0.01, 12);
});

describe('a table of your own', () => {
  const models = { 'gpt-4o': price(2.5, 10), 'together/org/model': price(1, 2), 'org/model': price(3, 4), free: price(0, 0) };
  const table = priceTable({ date: '2026-11-21', models });

  test('tells its day and where it comes from', () => {
    expect(table).toMatchObject({ date: '2026-11-21', source: 'a table of your own' });
  });

  test.each([
    ['openai', 'gpt-4o', price(2.5, 10)],
    ['custom', 'gpt-4o', price(2.5, 10)],
    ['together', 'org/model', price(1, 2)],
    ['huggingface', 'org/model', price(3, 4)],
    ['openai', 'free', price(0, 0)],
    ['openai', 'gpt-4', undefined],
    ['openai', 'constructor', undefined],
    ['openai', '__proto__', undefined],
  ])('%s asks for %s: %o', (type, model, expected) => {
    expect(table.priceOf(type, model)).toEqual(expected);
  });

  test('does not change with the object it was made of', () => {
    const mine: Record<string, { inputPerMillionUsd: number; outputPerMillionUsd: number }> = { m: price(1, 1) };
    const made = priceTable({ date: '2026-11-21', models: mine });
    (mine['m'] as { inputPerMillionUsd: number }).inputPerMillionUsd = 9;
    mine['n'] = price(1, 1);
    expect([made.priceOf('openai', 'm'), made.priceOf('openai', 'n')]).toEqual([price(1, 1), undefined]);
    expect(Object.isFrozen(made) && Object.isFrozen(made.priceOf('openai', 'm'))).toBe(true);
  });

  test.each(['2026-02-30', '2026-13-01', '21.11.2026', '2026-11-21T00:00:00Z', '2026-1-1', '', 20_261_121, undefined])(
    'is refused with the day %s',
    (date) => {
      expect(issuesOf(() => priceTable({ date: date as string, models: {} }))).toEqual(['date: must be a day, as in 2026-11-21']);
    },
  );

  test.each([-1, Number.NaN, Infinity, '1', null, undefined])('is refused with the price %s, and says whose it is', (value) => {
    const mine = { good: price(1, 1), 'org/bad': { inputPerMillionUsd: 1, outputPerMillionUsd: value as number } };
    expect(issuesOf(() => priceTable({ date: '2026-11-21', models: mine }))).toEqual([
      'models["org/bad"].outputPerMillionUsd: must be a number from 0 on: US dollars for a million tokens',
    ]);
  });

  test('is refused with all that is wrong with it at once', () => {
    const broken = { date: 'today', models: { a: 5, b: price(-1, -1) } } as never;
    expect(issuesOf(() => priceTable(broken)).map((issue) => issue.split(':')[0])).toEqual([
      'date',
      'models.a.inputPerMillionUsd',
      'models.a.outputPerMillionUsd',
      'models.b.inputPerMillionUsd',
      'models.b.outputPerMillionUsd',
    ]);
  });

  test.each([undefined, null, 'prices'])('is refused where the options are %s', (options) => {
    expect(issuesOf(() => priceTable(options as never)).map((issue) => issue.split(':')[0])).toEqual(['date', 'models']);
  });
});

describe('the table of the package', () => {
  test.each([
    ['openai', 'gpt-4o-mini', price(0.15, 0.6)],
    ['anthropic', 'claude-haiku-4-5', price(1, 5)],
    ['anthropic', 'claude-haiku-4-5-20251001', price(1, 5)],
    ['together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo', price(0.88, 0.88)],
  ])('knows %s’s %s', async (type, model, expected) => {
    expect((await loadPrices()).priceOf(type, model)).toEqual(expected);
  });

  test('takes the dearest step of prices that depend on the length of the context', async () => {
    expect((await loadPrices()).priceOf('anthropic', 'claude-sonnet-4-5')).toEqual(price(6, 22.5));
  });

  test('takes a price that was lowered as it is now', async () => {
    expect((await loadPrices()).priceOf('openai', 'o3')).toEqual(price(2, 8));
  });

  test('takes the dearer of two prices that change in the course of a day, at any hour', async () => {
    expect((await loadPrices()).priceOf('deepseek', 'deepseek-chat')).toEqual(price(0.27, 1.1));
  });

  test('has no price of an answer for encoders', async () => {
    expect((await loadPrices()).priceOf('openai', 'text-embedding-3-small')).toEqual(price(0.02, 0));
  });

  test('takes the dearest of the companies behind Hugging Face’s router', async () => {
    const table = await loadPrices();
    const known = table.priceOf('huggingface', 'openai/gpt-oss-120b');
    const single = table.priceOf('huggingface_fireworks-ai', 'openai/gpt-oss-120b');
    expect(single).toBeDefined();
    expect(known?.inputPerMillionUsd).toBeGreaterThan(single?.inputPerMillionUsd ?? Infinity);
  });

  test.each([
    ['openai', 'gpt-of-another-day'],
    ['openai', 'whisper-1'],
    ['openai-compatible', 'gpt-4o'],
    ['custom', 'gpt-4o'],
    ['nvidia', 'meta/llama-3.1-8b-instruct'],
    ['huggingface', 'no/such-model'],
    ['constructor', 'gpt-4o'],
    ['openai', ''],
  ])('knows no price for %s’s %s', async (type, model) => {
    expect((await loadPrices()).priceOf(type, model)).toBeUndefined();
  });

  test('tells the day of its newest change and where it comes from', async () => {
    const { date, source } = await loadPrices();
    expect(date >= '2026-08-21').toBe(true);
    expect(date <= new Date().toISOString().slice(0, 10)).toBe(true);
    expect(source).toBe('@pydantic/genai-prices');
  });
});

type Prices = Exclude<Awaited<ReturnType<PriceLibrary['waitForUpdate']>>, null>[number]['models'][number]['prices'];

interface Fake extends PriceLibrary {
  asked: number;
}

/** A library that knows one model, whose price `holding` (by its place) holds now. */
function libraryOf(prices: Prices, holding = 0): Fake {
  const models = [{ id: 'm', prices }];
  const now = Array.isArray(prices) ? prices[holding].prices : prices;
  return {
    asked: 0,
    waitForUpdate: async () => [{ id: 'openai', models }],
    calcPrice(_usage, model) {
      this.asked += 1;
      return model === 'm' ? { model: { prices }, model_price: now } : null;
    },
  };
}

const day = (start_date: string) => ({ type: 'start_date', start_date }) as const;
const hours = { type: 'time_of_date' } as const;
const per = (input_mtok: number) => ({ input_mtok, output_mtok: 2 * input_mtok });

describe('of prices with days and hours', () => {
  test.each<[string, number, number, Parameters<typeof libraryOf>[0]]>([
    ['those that are over do not count', 1, 2, [{ prices: per(9) }, { prices: per(2), constraint: day('2026-01-01') }]],
    [
      'those that are to come count already',
      1,
      7,
      [{ prices: per(9) }, { prices: per(2), constraint: day('2026-01-01') }, { prices: per(7), constraint: day('2027-01-01') }],
    ],
    ['those of other hours count', 0, 5, [{ prices: per(2) }, { prices: per(5), constraint: hours }]],
    ['those of the rest of the day count', 1, 6, [{ prices: per(6) }, { prices: per(5), constraint: hours }]],
    [
      'the hours of an earlier row count',
      1,
      8,
      [
        { prices: per(8), constraint: hours },
        { prices: per(2), constraint: day('2026-01-01') },
      ],
    ],
  ])('%s', async (_name, holding, expected, prices) => {
    const table = await pricesFrom(async () => libraryOf(prices, holding));
    expect(table.priceOf('openai', 'm')).toEqual(price(expected, 2 * expected));
  });

  test('the day of the table is that of the newest change that holds, not of one announced', async () => {
    const prices = [
      { prices: per(9) },
      { prices: per(2), constraint: day('2026-01-05') },
      { prices: per(7), constraint: day('2027-01-01') },
    ];
    expect(await pricesFrom(async () => libraryOf(prices, 1))).toMatchObject({ date: '2026-01-05' });
  });
});

test('a price is looked up once, and so is that there is none', async () => {
  const library = libraryOf(per(1));
  const table = await pricesFrom(async () => library);
  for (let time = 0; time < 5; time += 1) table.priceOf('openai', 'm');
  for (let time = 0; time < 5; time += 1) table.priceOf('openai', 'none');
  expect(library.asked).toBe(2);
});

test('the prices remembered are bounded', async () => {
  const library = libraryOf(per(1));
  const table = await pricesFrom(async () => library);
  table.priceOf('openai', 'm');
  for (let name = 0; name < 1_000; name += 1) table.priceOf('openai', `m${name}`);
  const before = library.asked;
  expect(table.priceOf('openai', 'm')).toEqual(price(1, 2));
  expect(library.asked).toBe(before + 1);
});

test('a model that is not always paid by the token has no price', async () => {
  const table = await pricesFrom(async () => libraryOf([{ prices: per(2) }, { prices: { audio_hours: 1 }, constraint: hours }]));
  expect(table.priceOf('openai', 'm')).toBeUndefined();
});

test('data that the package itself cannot read give no price, and no error', async () => {
  const broken: PriceLibrary = {
    ...libraryOf([{ prices: per(1), constraint: day('2026-01-01') }]),
    calcPrice() {
      throw new Error('Invalid price value');
    },
  };
  expect((await pricesFrom(async () => broken)).priceOf('openai', 'm')).toBeUndefined();
});

test('without the package the error is one of configuration, and says what to install', async () => {
  const missing = Object.assign(new Error("Cannot find package '@pydantic/genai-prices'"), { code: 'ERR_MODULE_NOT_FOUND' });
  const error: unknown = await pricesFrom(() => Promise.reject(missing)).catch((reason: unknown) => reason);
  expect(isRouterError(error, 'invalid_config')).toBe(true);
  expect(String(error)).toContain(
    'prices: loadPrices() needs the optional package @pydantic/genai-prices: npm install @pydantic/genai-prices',
  );
});
