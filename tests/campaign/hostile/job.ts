import { cpus } from 'node:os';
import { atLeast, atMost, exactly, type Figure, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { startProgram } from '../_kit/program.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { attacks } from './attacks.ts';
import type { Attack } from './pieces.ts';
import type { Ending, Findings, Order } from './client.ts';

const client = new URL('./client.ts', import.meta.url);
const mebibyte = 1024 * 1024;
/** The stopwatch of the server starts a moment before the client sees anything. */
const stopMs = 1_000;
const names = Object.keys(attacks);

const figures = {
  ran: 'attacks that were made',
  kinds: 'kinds of attacks that were made and seen by the server',
  wrong: 'attacks that did not end as they must',
  growth: 'growth of memory in the worst attack',
  lag: 'event-loop lag in the worst attack, 99th percentile',
  busy: 'processor time between two turns of the loop in the worst attack, 99th percentile',
  open: 'attacks whose connection was not closed, or not in time',
  unprotected: 'growth of memory when fetch alone reads a bomb, which shows that the rig sees it',
  polluted: 'prototypes changed',
  unexpected: 'rejections, exceptions and warnings that nobody took',
} as const;

export const job: Job = {
  name: 'hostile',
  about: 'whatever a server sends, memory and loop stay free, the connection is closed, and the call moves on',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed): Promise<JobReport> {
    const rounds = size === 'long' ? 3 : 1;
    const findings = size === 'long' ? await eachAlone({ seed, rounds }) : [await attackWith({ seed, rounds, unprotected: true })];
    const endings = findings.flatMap((each) => each.endings);
    return {
      figures: figuresOf(size, endings, findings, rounds),
      detail: { cores: cpus().length, unexpected: findings.flatMap(({ unexpected }) => unexpected), endings: endings.map(shown) },
    };
  },
};

async function attackWith(order: Order): Promise<Findings> {
  await using program = await startProgram<Order, Findings>(client, ['--expose-gc']);
  return await program.ask(order);
}

/** A process of its own for each attack, so that none hides behind what another has left. */
async function eachAlone(order: Order): Promise<Findings[]> {
  const findings: Findings[] = [];
  for (const [index, name] of names.entries()) findings.push(await attackWith({ ...order, only: [name], unprotected: index === 0 }));
  return findings;
}

function figuresOf(size: Size, endings: readonly Ending[], findings: readonly Findings[], rounds: number): Figure[] {
  const isSeen = (name: string): boolean => endings.some(({ attack, record }) => attack === name && record !== null && record.bytes > 0);
  const worst = (of: (ending: Ending) => number): number => Math.max(...endings.map(of));
  const growths = findings.flatMap(({ unprotected }) => (unprotected === undefined ? [] : [unprotected.growthBytes]));
  // Other tests use the processor at the same time in the quick form, and each of their turns is lag here; the next figure is not.
  const lagMs = size === 'long' ? 50 : 2_000;
  return [
    exactly(figures.ran, names.length * rounds, endings.length),
    exactly(figures.kinds, names.length, names.filter(isSeen).length),
    exactly(figures.wrong, 0, endings.filter((ending) => !endsAsItMust(ending)).length),
    // In one process, what an attack has left to the collector counts for the next one.
    atMost(figures.growth, size === 'long' ? 64 : 96, worst(({ growthBytes }) => growthBytes) / mebibyte, ' MiB'),
    atMost(
      figures.lag,
      lagMs,
      worst(({ lagP99Ms }) => lagP99Ms),
      ' ms',
    ),
    atMost(
      figures.busy,
      100,
      worst(({ busyP99Ms }) => busyP99Ms),
      ' ms',
    ),
    exactly(figures.open, 0, endings.filter((ending) => !isStopped(ending)).length),
    atLeast(figures.unprotected, 256, Math.min(...growths, growths.length === 0 ? 0 : Infinity) / mebibyte, ' MiB'),
    exactly(figures.polluted, 0, findings.flatMap(({ polluted }) => polluted).length),
    exactly(figures.unexpected, 0, findings.flatMap(({ unexpected }) => unexpected).length),
    ...figuresOfCanaries(
      findings.flatMap(({ hits }) => hits),
      findings.flatMap(({ planted }) => planted),
    ),
  ];
}

function endsAsItMust({ attack, how, failed }: Ending): boolean {
  const { ends } = attacks[attack] as Attack;
  if (ends === 'answer') return how === 'answer' && failed.length === 0;
  if (ends === 'stream_interrupted') return how === ends;
  return how === 'failover' && failed.length === 1 && failed.every((code) => ends.includes(code));
}

/** Closed within a second after the limit was passed; a body that had been sent to its end by then needs no closing. */
function isStopped({ attack, record }: Ending): boolean {
  if (record === null) return false;
  if (record.closedMs === undefined) return record.isSent;
  return (attacks[attack] as Attack).ends === 'answer' || record.closedMs - record.passedMs <= stopMs;
}

function shown({ attack, how, failed, ms, growthBytes, lagP99Ms, lagHighestMs, busyP99Ms, record }: Ending): Record<string, unknown> {
  const rounded = Math.round;
  return {
    attack,
    how: failed.length === 0 ? how : `${how} after ${failed.join(', ')}`,
    ms: rounded(ms),
    growthMebibytes: rounded(growthBytes / mebibyte),
    lagP99Ms: rounded(lagP99Ms),
    lagHighestMs: rounded(lagHighestMs),
    busyP99Ms: rounded(busyP99Ms),
    closedAfterLimitMs: record?.closedMs === undefined ? 'sent whole' : rounded(record.closedMs - record.passedMs),
  };
}
