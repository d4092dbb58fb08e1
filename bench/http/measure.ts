import { median } from '../median.ts';
import { type Load, putLoad, type Question } from './load.ts';
import type { Running } from './processes.ts';

/** One of those that answer the same requests. */
export interface Subject {
  readonly name: string;
  readonly running: Running;
  /** What its requests carry beside their body. */
  readonly headers: Readonly<Record<string, string>>;
  /** The server that it has to ask; undefined for the one that answers by itself. */
  readonly backend: Running | undefined;
}

/** One kind of request, so many at once. */
export interface Cell {
  readonly name: string;
  readonly atOnce: number;
  readonly body: object;
  readonly pieces: number;
}

/** Of one subject in one cell of one round. */
export interface Figures {
  readonly answersPerSecond: number;
  readonly wholeP50Ms: number;
  readonly wholeP99Ms: number;
  readonly firstP50Ms: number;
  readonly firstP99Ms: number;
  readonly cpuMs: number;
  /** How much of the time it ran: at 1 it had a core for itself and needed all of it. */
  readonly coreShare: number;
}

export interface CellResult {
  readonly cell: Cell;
  /** By the name of the subject, one value for each round. */
  readonly figures: ReadonlyMap<string, readonly Figures[]>;
}

/** The shortest that a large number of events can be told apart by: the mark of a piece of any answer of the backend. */
const markOf = ({ pieces }: Cell): string => (pieces === 1 ? 'A short answer' : '":" word');

/** The subjects take turns in every cell, each of them first as often as the others. One round before the first is not counted. */
export async function measure(subjects: readonly Subject[], cells: readonly Cell[], rounds: number, ms: number): Promise<CellResult[]> {
  const results = cells.map((cell) => ({ cell, figures: new Map(subjects.map(({ name }): [string, Figures[]] => [name, []])) }));
  for (let round = -1; round < rounds; round++) {
    for (const { cell, figures } of results) {
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(round + 1 + turn) % subjects.length] as Subject;
        const one = await once(subject, cell, ms);
        if (round >= 0) figures.get(subject.name)?.push(one);
      }
    }
  }
  return results;
}

async function once({ name, running, headers, backend }: Subject, cell: Cell, ms: number): Promise<Figures> {
  const question: Question = { port: running.port, bytes: bytesOf(cell, running.port, headers), mark: markOf(cell), pieces: cell.pieces };
  const [before, askedBefore] = [await running.sample(), (await backend?.sample())?.served ?? 0];
  const load = await putLoad(question, cell.atOnce, ms);
  const [after, askedAfter] = [await running.sample(), (await backend?.sample())?.served ?? 0];
  const answers = load.wholeMs.length;
  if (backend !== undefined && askedAfter - askedBefore < answers) throw new Error(`${name} gave answers that nobody had given it.`);
  return figuresOf(load, (after.cpuMicros - before.cpuMicros) / 1_000);
}

function figuresOf({ wallMs, wholeMs, firstPieceMs }: Load, cpuMs: number): Figures {
  return {
    answersPerSecond: (wholeMs.length * 1_000) / wallMs,
    wholeP50Ms: median(wholeMs),
    wholeP99Ms: quantile(wholeMs, 0.99),
    firstP50Ms: median(firstPieceMs),
    firstP99Ms: quantile(firstPieceMs, 0.99),
    cpuMs: cpuMs / wholeMs.length,
    coreShare: cpuMs / wallMs,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function bytesOf({ body }: Pick<Cell, 'body'>, port: number, headers: Readonly<Record<string, string>>): Buffer {
  const text = JSON.stringify(body);
  const all = {
    host: `127.0.0.1:${port}`,
    'content-type': 'application/json',
    ...headers,
    'content-length': String(Buffer.byteLength(text)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
}
