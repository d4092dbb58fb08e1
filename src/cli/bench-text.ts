import type { BenchFigures, Spread } from './bench-figures.ts';
import { counted, duration, rounded } from './figures.ts';
import type { Paint } from './paint.ts';
import { plainLine } from './plain-text.ts';
import { type Cell, table } from './table.ts';

export function benchText(figures: BenchFigures, paint: Paint): string {
  const { requests, concurrency, waited, succeeded, failures, answeredBy, wallMs, firstCallMs, firstCallError } = figures;
  const title = `${counted(requests, 'call')}, ${concurrency} at once, in ${duration(wallMs)}: ${succeeded} succeeded, ${requests - succeeded} failed.`;
  const who = answeredBy.map(
    ({ provider, model, count }) => `Answered by ${plainLine(provider)}${model === undefined ? '' : ` (${plainLine(model)})`}: ${count}`,
  );
  const waiting =
    waited === 0 ? [] : [`Waited for a free place at a provider (maxConcurrent): ${waited}. The wait is part of their times.`];
  const first =
    firstCallError === undefined
      ? []
      : [`${paint('red', 'Failed, before these, the call that is not counted')}\n  ${plainLine(firstCallError.message)}`];
  const failed = failures.map(({ code, count, message }) => `${paint('red', `Failed with ${code}: ${count}`)}\n  ${plainLine(message)}`);
  const rows: (readonly Cell[])[] = [
    rowOf('time to first token', figures.firstTokenMs, duration),
    rowOf('whole answer', figures.totalMs, duration),
    rowOf('tokens per second, each answer', figures.tokensPerSecond, (value) => rounded(value)),
  ].filter((row) => row.length > 0);
  const together = `${rounded(figures.tokensPerSecondTogether)} tokens per second in all${figures.tokensAreCounted ? '' : ', by the pieces that came: the server does not count them'}; the first call, which is not counted, took ${duration(firstCallMs)}.`;
  const measured = rows.length === 0 ? [] : ['', table(['', 'MEAN', 'P50', 'P95', 'WORST'], rows, paint).trimEnd(), '', together];
  return [title, ...who, ...waiting, ...first, ...failed, ...measured].map((line) => `${line}\n`).join('');
}

function rowOf(name: string, spread: Spread | undefined, shown: (value: number) => string): readonly Cell[] {
  return spread === undefined ? [] : [name, ...[spread.mean, spread.p50, spread.p95, spread.worst].map(shown)];
}
