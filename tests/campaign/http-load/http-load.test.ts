import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatCells, piecesOfStream, streamCells } from '../../../bench/http/cells.ts';
import { type CellResult, measure, type Subject } from '../../../bench/http/measure.ts';
import { httpLoadPage } from '../../../bench/http/page.ts';
import { type Running, start } from '../../../bench/http/processes.ts';

// The load of `npm run bench:http` for a moment, from the sources and without the gateway beside it. No figure is held to anything.

const fileOf = (path: string): string => fileURLToPath(new URL(`../../../bench/${path}`, import.meta.url));
const token = 'Kq3vX8mZt1Rw7YbN5sLd';
const cells = [...chatCells, ...streamCells];
const windowMs = 40;
const running: Running[] = [];
let direct: Subject;
let ours: Subject;
let results: readonly CellResult[] = [];

async function started(path: string, ...args: readonly string[]): Promise<Running> {
  const one = await start({ file: fileOf(path), args, probe: fileOf('http/probe.ts'), core: 0 });
  running.push(one);
  return one;
}

beforeAll(async () => {
  const backend = await started('http/backend.ts', String(piecesOfStream));
  const server = await started('http/our-server.ts', `http://127.0.0.1:${backend.port}`, 'key-of-the-backend', token);
  direct = { name: 'direct', running: await started('http/backend.ts', String(piecesOfStream)), headers: {}, backend: undefined };
  ours = { name: 'inferlane', running: server, headers: { authorization: `Bearer ${token}` }, backend };
  results = await measure([direct, ours], cells, 1, windowMs);
}, 60_000);

afterAll(() => Promise.all(running.map((each) => each.stop())));

test.each(cells)('the handler answers all of $name, $atOnce at once', (cell) => {
  const found = results.find((each) => each.cell === cell);
  for (const name of ['direct', 'inferlane']) {
    const [figures] = found?.figures.get(name) ?? [];
    expect(figures?.answersPerSecond, name).toBeGreaterThan(0);
    expect(Object.values(figures ?? {}).every(Number.isFinite), name).toBe(true);
  }
});

test('a subject that refuses stops the run', async () => {
  const stranger = { ...ours, headers: { authorization: 'Bearer of-somebody-else' } };
  await expect(measure([stranger], chatCells.slice(0, 1), 1, windowMs)).rejects.toThrow('HTTP/1.1 401');
});

test('a stream that lacks a piece stops the run', async () => {
  const longer = streamCells.slice(0, 1).map((cell) => ({ ...cell, pieces: piecesOfStream + 1 }));
  await expect(measure([ours], longer, 1, windowMs)).rejects.toThrow(`${piecesOfStream} of ${piecesOfStream + 1} pieces`);
});

test('a gateway that answers without its backend stops the run', async () => {
  const pretender = { ...direct, backend: ours.backend };
  await expect(measure([pretender], chatCells.slice(0, 1), 1, windowMs)).rejects.toThrow('answers that nobody had given it');
});

test('the page tells ratios of every cell and no figure that is none', () => {
  const filled = results.map(({ cell, figures }) => ({
    cell,
    figures: new Map([...figures, ['portkey', figures.get('inferlane') ?? []]]),
  }));
  const versions = { inferlane: '1.2.3', gateway: '4.5.6', gatewayServer: '7.8.9' };
  const memory = [{ name: 'direct', startBytes: 1_048_576, endBytes: 2_097_152 }];
  const page = httpLoadPage({ results: filled, memory, versions, rounds: 1, seconds: 1, loadBefore: 0.5, loadAfter: 1.5 });
  const equals = page.match(/1\.0 × \(1\.0 to 1\.0\)/g) ?? [];
  expect(equals.length).toBeGreaterThanOrEqual(cells.length * 4);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});
