import { describe, expect, test } from 'vitest';
import { fromJson } from '../../src/config/file.ts';
import { priceTable } from '../../src/config/prices.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { ConfigError } from '../../src/core/errors.ts';
import type { RouterOptions } from '../../src/config/options.ts';

const free = { gpu: { type: 'ollama' } } as const;
const paid = { cloud: { type: 'openai', apiKey: 'k' }, gpu: { type: 'ollama' } } as const;
const prices = priceTable({ date: '2026-11-21', models: {} });

function issuesOf(options: unknown): string[] {
  try {
    resolveConfig(options as RouterOptions);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ path, message }) => `${path} ${message}`);
    throw error;
  }
}

describe('limits and budgets', () => {
  test('are off where nothing is set, or only empty objects are', () => {
    expect(resolveConfig({ providers: free }).config).toMatchObject({ limits: { caller: undefined, processes: 4 }, budgets: undefined });
    const empty = resolveConfig({
      providers: { gpu: { type: 'ollama', limits: {} } },
      limits: { caller: {} },
      budgets: { providers: { gpu: {} } },
    });
    expect(empty.config).toMatchObject({ limits: { caller: undefined }, budgets: undefined, providers: [{ limits: undefined }] });
  });

  test.each([
    [{ limits: { caller: { rpm: 0 } } }, 'limits.caller.rpm must be a whole number from 1 to 1000000000'],
    [{ limits: { callers: { web: { rps: 1 } } } }, 'limits.callers.web.rps unknown option "rps"; did you mean "rpm"?'],
    [{ limits: { processes: 1.5 } }, 'limits.processes must be a whole number from 1 to 10000'],
    [{ budgets: { dayUsd: 0 } }, 'budgets.dayUsd must be a number above 0'],
    [{ budgets: { warnAt: 80 } }, 'budgets.warnAt must be a number from 0 to 1'],
    [{ budgets: { providers: { gpus: { dayUsd: 1 } } } }, 'budgets.providers.gpus there is no provider with this id; did you mean "gpu"?'],
  ])('%j is refused', (options, issue) => {
    expect(issuesOf({ providers: free, ...options })).toEqual([issue]);
  });

  test('a budget without prices is refused where somebody may be paid, and only there', () => {
    expect(issuesOf({ providers: paid, allowPaid: true, budgets: { dayUsd: 1 } })).toEqual([
      'prices is missing: budgets have to know what "cloud" would cost; set prices: await loadPrices()',
    ]);
    expect(issuesOf({ providers: paid, allowPaid: true, budgets: { dayUsd: 1 }, prices })).toEqual([]);
    expect(issuesOf({ providers: free, budgets: { dayUsd: 1 } })).toEqual([]);
  });

  test('may stand in a JSON file', () => {
    const document = {
      providers: { gpu: { type: 'ollama', limits: { rpm: 5 } } },
      limits: { callers: { web: { tpm: 9 } } },
      budgets: { hourUsd: 0.5 },
    };
    expect(fromJson(JSON.stringify(document))).toMatchObject(document);
  });
});
