import type { JSX } from 'preact';
import { Chart } from './chart.tsx';
import { counted, duration, figure } from './figures.ts';
import type { Curves, Scale, Sums } from './measurements.ts';

interface ProviderChartsProps {
  readonly curves: Curves;
  readonly scale: Scale;
}

export function ProviderCharts({ curves, scale }: ProviderChartsProps): JSX.Element {
  const { sums, atS } = curves;
  const { of, most } = scale.throughput;
  return (
    <div class="charts">
      <figure>
        <figcaption>
          <b>Time to first token</b> <span class="figure">{firstTokenWords(sums)}</span>
        </figcaption>
        <Chart atS={atS} values={curves.firstTokenMs} most={scale.firstTokenMs} kind="line" />
      </figure>
      <figure>
        <figcaption>
          <b>Throughput</b> <span class="figure">{throughputWords(curves, of)}</span>
        </figcaption>
        <Chart atS={atS} values={curves[of]} most={most} kind="bars" />
      </figure>
    </div>
  );
}

function firstTokenWords({ middleFirstTokenMs: middle, slowestFirstTokenMs: slowest }: Sums): string {
  if (middle === undefined || slowest === undefined) return 'none measured';
  return `${duration(middle)} in the middle, ${duration(slowest)} at most`;
}

function throughputWords({ sums, tokensPerSecond, answersPerMinute }: Curves, of: Scale['throughput']['of']): string {
  if (sums.answers === 0) return sums.failures === 0 ? 'no answers' : `no answers, ${counted(sums.failures, 'failure')}`;
  const peak =
    of === 'tokensPerSecond' ? `${figure(Math.max(...tokensPerSecond))} tokens/s` : `${figure(Math.max(...answersPerMinute))} answers/min`;
  return `${counted(sums.answers, 'answer')}, ${peak} at most`;
}
