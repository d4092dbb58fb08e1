import { cpus } from 'node:os';
import { table } from '../../scripts/markdown-table.ts';
import { median } from '../median.ts';
import { bodyBytes, chatCells, piecesOfStream, streamCells } from './cells.ts';
import type { Cell, CellResult, Figures } from './measure.ts';
import { canPin } from './processes.ts';

export interface LoadRun {
  readonly results: readonly CellResult[];
  readonly memory: readonly { readonly name: string; readonly startBytes: number; readonly endBytes: number }[];
  readonly versions: Readonly<Record<'inferlane' | 'gateway' | 'gatewayServer', string>>;
  readonly rounds: number;
  readonly seconds: number;
  /** Of the machine, without this run and with it. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

type Figure = (one: Figures, direct: Figures) => number;

const perSecond: Figure = ({ answersPerSecond }) => answersPerSecond;
const piecesPerSecond: Figure = ({ answersPerSecond }) => answersPerSecond * piecesOfStream;
const cpuMs: Figure = (one) => one.cpuMs;
const coreShare: Figure = (one) => one.coreShare;
const addedP50: Figure = (one, direct) => one.wholeP50Ms - direct.wholeP50Ms;
const addedP99: Figure = (one, direct) => one.wholeP99Ms - direct.wholeP99Ms;
const addedToFirst: Figure = (one, direct) => one.firstP50Ms - direct.firstP50Ms;
const addedToFirstP99: Figure = (one, direct) => one.firstP99Ms - direct.firstP99Ms;

/** docs/reference/http-load.md */
export function httpLoadPage(run: LoadRun): string {
  const chats = run.results.filter(({ cell }) => chatCells.includes(cell));
  const streams = run.results.filter(({ cell }) => streamCells.includes(cell));
  return [
    '<!-- Written by `npm run bench:http`. -->\n',
    '# What the HTTP handler costs\n',
    intro(run),
    '## inferlane beside the gateway\n',
    'A figure of `inferlane` by that of `portkey` in the same round: the median over the rounds, with the lowest and the highest. More is better for requests and pieces, less for the rest.\n',
    beside(chats, 'portkey', { 'Requests/s': perSecond, 'CPU per request': cpuMs, 'Added, p50': addedP50, 'Added, p99': addedP99 }),
    beside(streams, 'portkey', {
      'Pieces/s': piecesPerSecond,
      'CPU per stream': cpuMs,
      'Added to the first piece, p50': addedToFirst,
      p99: addedToFirstP99,
    }),
    '## inferlane beside the same call made directly\n',
    beside(chats, 'direct', { 'Requests/s': perSecond, 'CPU per request': cpuMs }),
    beside(streams, 'direct', { 'Pieces/s': piecesPerSecond, 'CPU per stream': cpuMs }),
    '## The figures behind them\n',
    'Medians over the rounds, of this machine alone. `core`: how much of its core the process had; well below 1 with many at once means that others held the machine, and then requests and latency say less than CPU time does.\n',
    absolute(chats, {
      'Requests/s': [perSecond, 0],
      'CPU, ms': [cpuMs, 3],
      'Added p50, ms': [addedP50, 2],
      'Added p99, ms': [addedP99, 2],
    }),
    absolute(streams, {
      'Pieces/s': [piecesPerSecond, 0],
      'CPU per stream, ms': [cpuMs, 3],
      'Added to the first piece p50, ms': [addedToFirst, 2],
      'p99, ms': [addedToFirstP99, 2],
    }),
    '## Memory\n',
    memory(run),
  ].join('\n');
}

function intro({ versions, rounds, seconds, loadBefore, loadAfter }: LoadRun): string {
  const [chat, longChat] = ['chat', 'long chat'].map((name) => bodyBytes(chatCells.find((cell) => cell.name === name) as Cell));
  const where = canPin ? 'each pinned to the same core, with the backend and the load on another one' : 'not pinned to a core';
  return `Requests through \`createServer(toNodeListener(createHandler(router, { tokens })))\`, all else by default, through a gateway from npm, and directly to the
backend. Inferlane ${versions.inferlane}, @portkey-ai/gateway ${versions.gateway}, Node ${process.versions.node}. Three processes, ${where};
the backend is a bare \`node:http\` that answers from memory, and \`direct\` is a second one of it in the place of a gateway. ${rounds} rounds of ${seconds} s for each cell, in turns; each answer is
checked, and the backend counts that it was asked for it. Bodies of ${figure(chat ?? 0)} bytes, of ${figure(longChat ?? 0)} for \`long chat\` (a hundred messages), and streams of ${piecesOfStream} pieces, one for each turn of the
backend's loop. The machine has ${cpus().length} cores, which others use as well; its load was ${loadBefore.toFixed(1)} before the run and ${loadAfter.toFixed(1)} at its end. Run it with \`npm run bench:http\`.

The gateway is started as its README says, with \`--headless\` and \`NODE_ENV=production\`, which leave its console out, and sent to the backend by its headers
\`x-portkey-provider: openai\` and \`x-portkey-custom-host\`. It has @hono/node-server ${versions.gatewayServer}, because with what npm chooses today every stream ends in a 500; chats cost the same with both. It waits 25 ms
before the first piece of a stream, by a timer of its own, which is most of what it adds there. The two do not do the same: inferlane compares a token, reads each body against
OpenAI's schema, keeps count of its providers and routes; the gateway hands on what it is given, with retries and guardrails unconfigured.
`;
}

function beside(results: readonly CellResult[], other: string, figures: Readonly<Record<string, Figure>>): string {
  const rows = results.map((result) => [
    result.cell.name,
    String(result.cell.atOnce),
    ...Object.values(figures).map((each) => {
      const theirs = valuesOf(result, other, each);
      const ratios = valuesOf(result, 'inferlane', each).map((value, round) => value / (theirs[round] ?? Number.NaN));
      return `${short(median(ratios))} × (${short(Math.min(...ratios))} to ${short(Math.max(...ratios))})`;
    }),
  ]);
  return table(['Request', 'At once', ...Object.keys(figures)], rows);
}

function absolute(results: readonly CellResult[], figures: Readonly<Record<string, readonly [Figure, number]>>): string {
  const rows = results.flatMap((result) =>
    [...result.figures.keys()].map((name) => [
      result.cell.name,
      String(result.cell.atOnce),
      name,
      ...Object.values(figures).map(([each, digits]) =>
        name === 'direct' && each.name.startsWith('added') ? '' : figure(median(valuesOf(result, name, each)), digits),
      ),
      figure(median(valuesOf(result, name, coreShare)), 2),
    ]),
  );
  return table(['Request', 'At once', 'Through', ...Object.keys(figures), 'core'], rows);
}

function memory({ memory }: LoadRun): string {
  const inMegabytes = (bytes: number): string => figure(bytes / 1_048_576);
  const rows = memory.map(({ name, startBytes, endBytes }) => [name, inMegabytes(startBytes), inMegabytes(endBytes)]);
  return table(['Process', 'MiB resident at its start', 'MiB after the last round'], rows);
}

function valuesOf({ figures }: CellResult, name: string, each: Figure): number[] {
  const direct = figures.get('direct') ?? [];
  return (figures.get(name) ?? []).map((one, round) => each(one, direct[round] as Figures));
}

function short(value: number): string {
  const digits = Math.max(0, Math.min(3, 1 - Math.floor(Math.log10(Math.abs(value)))));
  return figure(value, Number.isFinite(digits) ? digits : 0);
}

function figure(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
