import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { defaults, usualIntent } from '../../src/config/defaults.ts';
import { defaultModels } from '../../src/core/default-models.ts';
import { localities } from '../../src/core/locality.ts';
import { providerTypes } from '../../src/core/provider-types.ts';

const page = readFileSync(new URL('../../docs/reference/config.md', import.meta.url), 'utf8');
const optionsFile = ['options.ts', 'provider-options.ts', 'resilience-options.ts', 'routing-options.ts', 'cache-options.ts']
  .map((name) => readFileSync(new URL(`../../src/config/${name}`, import.meta.url), 'utf8'))
  .join('\n');

/** Cells of every table under a heading, without its header rows; marks around code are taken off. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`no heading ${heading}`);
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, index) => !line.startsWith('| ---') && !lines[index + 1]?.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

/** Name and `@default` of each field of an interface in one of the files of options. */
function fieldsOf(name: string): { name: string; default: string | undefined }[] {
  const file = ts.createSourceFile('options.ts', optionsFile, ts.ScriptTarget.Latest, true);
  const declaration = file.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name) as ts.InterfaceDeclaration;
  return declaration.members.map((member) => {
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
    return { name: member.name?.getText(file) ?? '', default: ts.getTextOfJSDocComment(tag?.comment)?.trim() };
  });
}

/** A value as the page and the tags write it. */
function written(value: unknown): string {
  if (typeof value === 'function') return 'Math.random';
  if (typeof value === 'string') return `'${value}'`;
  return typeof value === 'number' ? String(value).replace(/(?<=\d)(?=(\d{3})+$)/g, '_') : String(value);
}

const tables = [
  ['Router', 'RouterOptions', { ...defaults, timeouts: {}, breaker: {}, retry: {}, hedge: false, throughput: undefined, queue: {} }],
  ['Provider', 'ProviderOptions', defaults.provider],
  ['Timeouts', 'TimeoutOptions', defaults.timeouts],
  ['Breaker', 'BreakerOptions', defaults.breaker],
  ['Retry', 'RetryOptions', defaults.retry],
  ['Hedge', 'HedgeOptions', defaults.hedge],
  ['Throughput', 'ThroughputOptions', defaults.throughput],
  ['Queue', 'QueueOptions', defaults.queue],
  ['Cache', 'CacheOptions', defaults.cache],
] as const;

describe.each(tables)('%s', (heading, name, values) => {
  const rows = rowsUnder(heading);
  const fields = fieldsOf(name);

  test('has a row for each option', () => {
    expect(rows.map(([option]) => option)).toEqual(fields.map((field) => field.name));
  });

  test('shows the defaults that the table of defaults holds', () => {
    const scalars = Object.entries(values as object).filter(
      ([option, value]) => value !== undefined && typeof value !== 'object' && fields.some((field) => field.name === option),
    );
    expect(scalars.length).toBeGreaterThan(0);
    const shown = Object.fromEntries(rows.map(([option, , cell]) => [option, cell]));
    expect(scalars.map(([option]) => [option, shown[option]])).toEqual(scalars.map(([option, value]) => [option, written(value)]));
  });

  test('the comments in the source show them too', () => {
    const tagged = Object.fromEntries(fields.map((field) => [field.name, field.default]));
    const scalars = Object.entries(values as object).filter(
      ([option, value]) => option in tagged && value !== undefined && typeof value !== 'object',
    );
    expect(scalars.map(([option]) => [option, tagged[option]])).toEqual(scalars.map(([option, value]) => [option, written(value)]));
  });
});

test('Intents has a row for each option, and what the built-in ones are', () => {
  const usual = (value: number | undefined): string => (value === undefined ? "the router's" : written(value));
  const built = [...Object.entries(defaults.intents), ['any other', usualIntent] as const].map(([name, intent]) => [
    name,
    intent.order.flat().join(', '),
    written(intent.lane),
    written(intent.affinity),
    usual(intent.timeouts.firstTokenMs),
    usual(intent.deadlineMs),
  ]);
  const rows = rowsUnder('Intents');
  const options = fieldsOf('IntentOptions').map(({ name }) => name);
  expect(rows.slice(0, options.length).map(([option]) => option)).toEqual(options);
  expect(rows.slice(options.length)).toEqual(built);
});

test('Locality shows all of them, from nearest to farthest', () => {
  expect(rowsUnder('Locality').map(([locality]) => locality)).toEqual(localities.map(written));
});

test('Balance shows all of them', () => {
  const type = /^export type Balance = (.+);$/m.exec(optionsFile)?.[1];
  expect(rowsUnder('Balance').map(([balance]) => balance)).toEqual(type?.split(' | '));
});

const where = (row: (typeof providerTypes)['ollama']): string =>
  row.defaultUrl ?? (row.runs === 'process' ? 'in this process' : 'must be given');

const slots = (row: Pick<(typeof providerTypes)['ollama'], 'slots' | 'slotsPer'>): string =>
  row.slots === undefined ? '' : `${row.slots}${row.slotsPer === 'model' ? ' for each model' : ''}`;

test('Provider types are those of the table', () => {
  const rows = Object.entries(providerTypes).map(([type, row]) => [
    type,
    where(row),
    row.device,
    row.cost,
    String(row.priority),
    slots(row),
  ]);
  const { device, cost, priority } = defaults.custom;
  expect(rowsUnder('Provider types')).toEqual([
    ...rows,
    ['custom', "its adapter's", device, cost, String(priority), slots(defaults.custom)],
  ]);
  const perModel = Object.entries(providerTypes).filter(([, row]) => row.slotsPer === 'model');
  expect(page.replaceAll('`', '')).toContain(`${perModel.map(([type]) => type).join(' and ')} have their slots for each model`);
});

test('Default models are those of the table', () => {
  expect(rowsUnder('Default models')).toEqual(defaultModels.map(({ type, verb, model, asOf }) => [type, verb, model, asOf]));
});

test('every link on the page leads to a heading of it', () => {
  const anchors = Array.from(page.matchAll(/^#+ (.+)$/gm), ([, title]) => title?.toLowerCase().replaceAll(' ', '-'));
  const links = Array.from(page.matchAll(/\]\(#([^)]+)\)/g), ([, link]) => link);
  expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
});
