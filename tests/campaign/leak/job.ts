import { atLeast, atMost, exactly, type Figure, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { startProgram } from '../_kit/program.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import type { Findings, Order } from './client.ts';
import { type Slope, slopeOf } from './slope.ts';

const figures = {
  requests: 'requests made',
  checkpoints: 'checkpoints after the warm-up',
  kinds: 'kinds of faults that were played',
  share: 'share of requests to servers that were broken',
  slope: 'heap per request',
  interval: '95% interval of the heap per request, bytes',
  listeners: 'listeners left on a signal that all calls shared',
  handles: 'handles and timers left',
  announced: 'events that listeners were told, per request',
  routers: 'routers opened and closed',
  perRouter: 'heap per router opened and closed',
  foreign: 'failures that are no error of the router',
  unexpected: 'rejections, exceptions and warnings that nobody took',
} as const;

const faultKinds = 14;

const orders: Readonly<Record<Size, Omit<Order, 'seed'>>> = {
  quick: { requests: 5_000, checkpoints: 6, routers: 100 },
  long: { requests: 100_000, checkpoints: 12, routers: 100 },
};

export const job: Job = {
  name: 'leak',
  about: 'calls that fail and calls that do not leave nothing behind, and neither do routers',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed): Promise<JobReport> {
    const order = { ...orders[size], seed };
    await using client = await startProgram<Order, Findings>(new URL('./client.ts', import.meta.url), ['--expose-gc']);
    const findings = await client.ask(order);
    const { heap, rss, routers, seen, outcomes } = findings;
    const detail = { outcomes, faults: seen.faults, heap, rss, routers, perRouter: slopeOf(routers), hits: findings.hits };
    return { figures: figuresOf(size, order, findings), detail: { ...detail, unexpected: findings.unexpected, handles: findings.handles } };
  },
};

function figuresOf(size: Size, order: Order, findings: Findings): Figure[] {
  const { heap, routers, seen, outcomes, handles } = findings;
  const made = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const faults = Object.values(seen.faults).reduce((sum, count) => sum + count, 0);
  // The first point is the end of the warm-up.
  const slope = slopeOf(heap);
  return [
    exactly(figures.requests, order.requests, made),
    atLeast(figures.checkpoints, 5, heap.length - 1),
    exactly(figures.kinds, faultKinds, Object.keys(seen.faults).length),
    atLeast(figures.share, 0.28, faults / seen.requests),
    // In a few thousand requests the compiler alone adds some hundred bytes to each; what is left behind adds thousands.
    atMost(figures.slope, size === 'long' ? 16 : 512, slope.perStep, ' B'),
    interval(size, slope),
    exactly(figures.listeners, 0, findings.listeners),
    exactly(
      figures.handles,
      0,
      Object.values(handles).reduce((sum, count) => sum + count, 0),
    ),
    atLeast(figures.announced, 4, findings.announced / made),
    atLeast(figures.routers, order.routers, routers.at(-1)?.x ?? 0),
    // Of a router that stays, tens of thousands would.
    atMost(figures.perRouter, 2_048, slopeOf(routers).perStep, ' B'),
    exactly(figures.foreign, 0, outcomes['foreign'] ?? 0),
    exactly(figures.unexpected, 0, findings.unexpected.length),
    ...figuresOfCanaries(findings.hits, seen.kinds),
  ];
}

/**
 * Of the long form: even its upper end has to be within the goal. No object is as small as the slopes that are left there, a few bytes per
 * request, which come and go with the compiler's own memory. The quick form only prints it.
 */
function interval(size: Size, { low, high }: Slope): Figure {
  const measured = `${low.toPrecision(3)} to ${high.toPrecision(3)}`;
  const holds = size === 'quick' ? Number.isFinite(low) && Number.isFinite(high) : high <= 16;
  return { name: figures.interval, goal: size === 'quick' ? 'is measured' : 'upper end ≤ 16', measured, holds };
}
