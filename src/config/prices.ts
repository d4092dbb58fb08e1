import { ConfigError } from '../core/errors.ts';
import type { ModelPrice, PriceTable } from '../core/prices.ts';
import { createFindings, type Findings } from './findings.ts';

// The part of `@pydantic/genai-prices` 0.1.8 that is used here, as our own shapes: the published types must not name a package that
// may be missing. The compiler compares them with the package where `importPriceLibrary` returns.

/** One price, or one for each step of the context's length. */
type LibraryPrice = number | { readonly base: number; readonly tiers: readonly { readonly price: number }[] };
type LibraryPrices = Readonly<Record<string, LibraryPrice | undefined>>;

/** Prices from a day on, or between two times of every day. Of several that hold, the last one does. */
interface DatedPrices {
  readonly prices: LibraryPrices;
  readonly constraint?: { readonly type: 'start_date'; readonly start_date: string } | { readonly type: 'time_of_date' };
}

interface FoundPrice {
  readonly model: { readonly prices: LibraryPrices | readonly DatedPrices[] };
  /** Those that hold now. */
  readonly model_price: LibraryPrices;
}

interface LibraryProvider {
  readonly id: string;
  readonly models: readonly { readonly id: string; readonly prices: LibraryPrices | readonly DatedPrices[] }[];
}

export interface PriceLibrary {
  calcPrice(usage: Record<string, number | undefined>, model: string, options: { providerId: string }): FoundPrice | null;
  waitForUpdate(): Promise<readonly LibraryProvider[] | null>;
}

/** Bundlers must leave this import alone: the package is optional. The comments tell webpack and Vite so, and the `catch` esbuild. */
const importPriceLibrary = (): Promise<PriceLibrary> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ '@pydantic/genai-prices').catch((error: unknown) => Promise.reject(error));

/**
 * The prices of the optional package `@pydantic/genai-prices`, for the option `prices`. They bound: of prices by the length of the
 * context or the time of day the dearest counts, and so does the dearest of those behind Hugging Face's router.
 * @throws {ConfigError} where the package is not installed.
 */
export async function loadPrices(): Promise<PriceTable> {
  return pricesFrom(importPriceLibrary);
}

/** How many prices are remembered: names of models come from callers. */
const mostRemembered = 1_000;

export async function pricesFrom(load: () => Promise<PriceLibrary>): Promise<PriceTable> {
  const library = await load().catch(() => {
    throw new ConfigError([
      { path: 'prices', message: 'loadPrices() needs the optional package @pydantic/genai-prices: npm install @pydantic/genai-prices' },
    ]);
  });
  const providers = (await library.waitForUpdate()) ?? [];
  const remembered = new Map<string, ModelPrice | undefined>();
  return Object.freeze({
    date: newestChange(library, providers),
    source: '@pydantic/genai-prices',
    priceOf(type: string, model: string) {
      const key = `${type}/${model}`;
      if (remembered.has(key)) return remembered.get(key);
      if (remembered.size >= mostRemembered) remembered.clear();
      const price = dearestOf(providers.filter(({ id }) => isOf(id, type)).map(({ id }) => lookUp(library, id, model)));
      remembered.set(key, price);
      return price;
    },
  });
}

/** Where the application gave the package data of its own that make no sense, it throws: that is no price. */
function lookUp(library: PriceLibrary, providerId: string, model: string): FoundPrice | null {
  try {
    return library.calcPrice({}, model, { providerId });
  } catch {
    return null;
  }
}

/** The package has one provider for each company behind Hugging Face's router, which chooses among them. */
function isOf(id: string, type: string): boolean {
  return id === type || (type === 'huggingface' && id.startsWith('huggingface_'));
}

/**
 * The package tells neither its version nor its data's day, so the table is as old as the newest change of a price that holds by now.
 * Changes announced for later days are no sign of its age.
 */
function newestChange(library: PriceLibrary, providers: readonly LibraryProvider[]): string {
  let newest = '';
  for (const provider of providers) {
    for (const { id, prices } of provider.models) {
      if (!isDated(prices)) continue;
      const holding = lookUp(library, provider.id, id)?.model_price;
      const constraint = prices.find((row) => row.prices === holding)?.constraint;
      if (constraint?.type === 'start_date' && constraint.start_date > newest) newest = constraint.start_date;
    }
  }
  return newest;
}

function isDated(prices: LibraryPrices | readonly DatedPrices[]): prices is readonly DatedPrices[] {
  return Array.isArray(prices);
}

function dearestOf(found: readonly (FoundPrice | null)[]): ModelPrice | undefined {
  const prices = found.flatMap((one) => (one === null ? [] : standing(one)));
  // Models that are paid by the hour or the image have no price for tokens.
  const inputs = prices.flatMap(({ input_mtok: input }) => (input === undefined ? [] : [dearestStep(input)]));
  if (inputs.length < prices.length || inputs.length === 0) return undefined;
  // Encoders give no tokens, and have no price for them.
  const outputs = prices.map(({ output_mtok: output = 0 }) => dearestStep(output));
  return Object.freeze({ inputPerMillionUsd: Math.max(...inputs), outputPerMillionUsd: Math.max(...outputs) });
}

/** Those that hold now, those that hold at other hours, and those that will hold later; none that are over. */
function standing({ model: { prices }, model_price: now }: FoundPrice): readonly LibraryPrices[] {
  if (!isDated(prices)) return [prices];
  const holding = prices.findIndex((row) => row.prices === now);
  const isOver = (row: DatedPrices, at: number): boolean =>
    at < holding && row.constraint?.type !== 'time_of_date' && prices[holding]?.constraint?.type !== 'time_of_date';
  return prices.filter((row, at) => !isOver(row, at)).map((row) => row.prices);
}

function dearestStep(price: LibraryPrice): number {
  return typeof price === 'number' ? price : Math.max(price.base, ...price.tiers.map((step) => step.price));
}

/**
 * A price table of your own, for the option `prices`. Its keys are models, `gpt-4o`, or models of one provider type, `together/org/model`,
 * which come first.
 * @throws {ConfigError} for a date that is none, and for each price that is no number from 0 on.
 */
export function priceTable(options: { readonly date: string; readonly models: Readonly<Record<string, ModelPrice>> }): PriceTable {
  const findings = createFindings();
  const { date, models } = isObject(options) ? options : { date: undefined, models: undefined };
  if (!isDay(date)) findings.refuse(['date'], 'must be a day, as in 2026-11-21');
  const prices = new Map<string, ModelPrice>();
  if (!isObject(models)) findings.refuse(['models'], 'must be an object with a price for each model');
  else for (const [name, price] of Object.entries(models)) prices.set(name, checkedPrice(name, price, findings));
  if (!isDay(date) || findings.issues.length > 0) throw new ConfigError(findings.issues);
  return Object.freeze({
    date,
    source: 'a table of your own',
    priceOf: (type: string, model: string) => prices.get(`${type}/${model}`) ?? prices.get(model),
  });
}

function checkedPrice(name: string, price: unknown, findings: Findings): ModelPrice {
  const { inputPerMillionUsd, outputPerMillionUsd }: Partial<ModelPrice> = isObject(price) ? price : {};
  for (const [field, value] of Object.entries({ inputPerMillionUsd, outputPerMillionUsd })) {
    if (!isPrice(value)) findings.refuse(['models', name, field], 'must be a number from 0 on: US dollars for a million tokens');
  }
  return Object.freeze({ inputPerMillionUsd: inputPerMillionUsd ?? 0, outputPerMillionUsd: outputPerMillionUsd ?? 0 });
}

function isPrice(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** A day of the calendar: 30 February is none. */
function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
