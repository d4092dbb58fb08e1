import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { onScheme } from './browser.ts';

interface ChartProps {
  readonly atS: readonly number[];
  readonly values: readonly (number | null)[];
  /** The top of the scale. */
  readonly most: number;
  readonly kind: 'line' | 'bars';
}

const heightPx = 48;

/** One curve, drawn. What it says stands beside it in words, so it is no image for those who cannot see it. */
export function Chart({ atS, values, most, kind }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const top = useRef(most);
  top.current = most > 0 ? most * 1.05 : 1;
  const scheme = useSchemeCount();
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const made = new uPlot(
      optionsFor(element, kind, () => top.current),
      [[], []],
      element,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: heightPx });
    });
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
    };
  }, [kind, scheme]);
  useEffect(() => plot.current?.setData([[...atS], [...values]]), [atS, values, most, scheme]);
  return <div ref={box} class="chart" aria-hidden="true" />;
}

/** Colours are those of the style sheet, which a canvas cannot read by itself. */
function optionsFor(element: HTMLElement, kind: ChartProps['kind'], top: () => number): uPlot.Options {
  const style = getComputedStyle(element);
  const stroke = style.getPropertyValue('--accent');
  const bars = uPlot.paths.bars?.({ size: [0.8, 12] });
  return {
    width: Math.max(element.clientWidth, 40),
    height: heightPx,
    padding: [4, 4, 4, 4],
    legend: { show: false },
    cursor: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: { x: { time: false }, y: { range: () => [0, top()] } },
    series: [
      {},
      kind === 'line'
        ? { stroke, width: 1.5, spanGaps: true, points: { show: true, size: 4, fill: stroke, stroke } }
        : { stroke, fill: stroke, width: 0, points: { show: false }, ...(bars !== undefined && { paths: bars }) },
    ],
  };
}

/** Counts how often the browser went from light to dark or back. */
function useSchemeCount(): number {
  const [count, setCount] = useState(0);
  useEffect(() => onScheme(() => setCount((before) => before + 1)), []);
  return count;
}
