import type { Candidate, Client } from '../candidates/candidate.ts';
import type { Places } from '../fake/server.ts';

/** One turn of one candidate in one round. */
export interface Block {
  /** What was done: calls, events, streams. */
  readonly units: number;
  /** CPU time of the candidate's process. */
  readonly cpuMicros: number;
  readonly wallMicros: number;
  /** What is neither of the two. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Metric {
  readonly id: string;
  /** Heads a column. */
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  readonly moreIsBetter?: true;
  of(block: Block): number;
}

/** What a scenario is given in the process of the candidate. */
export interface Subject {
  readonly candidate: Candidate;
  /** Opened once, at the good server. */
  readonly client: Client | undefined;
  readonly places: Places;
}

export interface Scenario {
  readonly id: string;
  /** A sentence for the page. */
  readonly about: string;
  readonly metrics: readonly Metric[];
  /** In a process that is started for it alone, with `--expose-gc`. */
  readonly isFresh?: true;
  /** In a process that does nothing that is compared with others, so that nobody is warmer than they are. */
  readonly isApart?: true;
  /**
   * Of every four rounds that are asked for it has so many: fewer where one takes long.
   * @default 4
   */
  readonly roundsOfFour?: number;
  /**
   * The CPU time after which the round that is not counted ends, in which it runs again and again; left out, it runs once. Compilers need
   * thousands of calls, and a second of their own where there is much code.
   */
  readonly warmUpMs?: number;
  /** So many units are enough, and whoever is fast has them sooner. */
  readonly warmUpUnits?: number;
  /** Warms up in the place of `run`: the same calls, more of them at once, where a block leaves the core idle for most of its time. */
  readonly warmUp?: Scenario['run'];
  isFor(subject: Subject): boolean;
  run(subject: Subject): Promise<Block>;
}

export const cpuPerUnit = ({ cpuMicros, units }: Block): number => cpuMicros / units;
export const unitsPerSecond = ({ wallMicros, units }: Block): number => (units * 1e6) / wallMicros;
export const figure =
  (name: string) =>
  ({ figures }: Block): number =>
    figures[name] ?? Number.NaN;

/** The client of a subject that `isFor` has let through. */
export function clientOf({ client }: Subject): Client {
  if (client === undefined) throw new Error('This candidate has no client.');
  return client;
}

export const nowMicros = (): number => performance.now() * 1_000;

export async function measured(units: number, work: () => Promise<void>): Promise<Block> {
  const startMicros = nowMicros();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { units, cpuMicros: user + system, wallMicros: nowMicros() - startMicros, figures: {} };
}

/**
 * A process that was idle while others ran has to get its memory back, and a busy application has not: for this long it runs first, and is
 * not counted.
 */
export const leadInMs = 40;
/**
 * What is counted runs for so long: as many times as somebody manages, so that the fast ones are not measured in an instant, and the
 * collector's work falls into every round of those who leave much to it.
 */
export const countedMs = 150;

/** Its units are how often it ran. */
export async function measuredForAWhile(
  run: () => Promise<void>,
  atOnce: number,
  ms: number = countedMs,
  measure: typeof measured = measured,
): Promise<Block> {
  await repeatFor(run, leadInMs, atOnce);
  let units = 0;
  const block = await measure(0, async () => void (units = await repeatFor(run, ms, atOnce)));
  return { ...block, units };
}

/** Gives how often it ran. */
export async function repeatFor(run: () => Promise<void>, ms: number, atOnce: number): Promise<number> {
  const endsAtMs = performance.now() + ms;
  let count = 0;
  const worker = async (): Promise<void> => {
    do {
      count += 1;
      await run();
    } while (performance.now() < endsAtMs);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return count;
}

/** A measurement that is no more than figures of its own. */
export const figuresAlone = (figures: Block['figures']): Block => ({ units: 1, cpuMicros: 0, wallMicros: 0, figures });

export async function repeat(run: (index: number) => Promise<void>, times: number, atOnce: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < times) await run(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
