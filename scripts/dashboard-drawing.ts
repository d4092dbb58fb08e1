import type { Dashboard, Panel } from '../tests/telemetry/dashboard.ts';
import { parsePromql } from '../tests/telemetry/promql.ts';
import { evaluate, type Scrape } from './dashboard-values.ts';

// Grafana's panels as SVG: what they show is asked of the scrapes by the dashboard's own expressions.

interface Series {
  readonly name: string;
  /** One for each scrape; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const column = 66;
const row = 32;
const gap = 8;
const colours = [
  '#73bf69',
  '#5794f2',
  '#ff9830',
  '#f2cc0c',
  '#b877d9',
  '#f2495c',
  '#8ab8ff',
  '#ffb357',
  '#96d98d',
  '#ca95e5',
  '#fade2a',
  '#ff7383',
];
const named: Readonly<Record<string, string>> = { green: '#56a64b', yellow: '#e0b400', orange: '#e86a17', red: '#d44a3a' };

/** The whole dashboard as one picture, with its width and height. */
export function drawDashboard({ title, panels }: Dashboard, scrapes: readonly Scrape[]): { svg: string; width: number; height: number } {
  const width = 24 * column + gap;
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => (y + h) * row)) + 52;
  const body = panels.map((panel) => drawPanel(panel, scrapes)).join('');
  const heading =
    text({ x: 14, y: 31 }, title, 'class="heading"') + text({ x: width - 14, y: 31 }, 'Last 30 minutes', 'class="faint" text-anchor="end"');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${style}<rect width="100%" height="100%" fill="#111217"/>${heading}${body}</svg>`;
  return { svg, width, height };
}

const style =
  '<style>text{font:12px "DejaVu Sans",sans-serif;fill:#ccccdc}.heading{font-size:17px}.title{font-size:13px}.faint{fill:#8e8e99;font-size:11px}.state{font-size:11px;fill:#fff}</style>';

function drawPanel(panel: Panel, scrapes: readonly Scrape[]): string {
  const { x, y, w, h } = panel.gridPos;
  const box: Box = { x: x * column + gap, y: y * row + 48, width: w * column - gap, height: h * row - gap };
  const series = seriesOf(panel, scrapes);
  const inside: Box = { x: box.x + 10, y: box.y + 32, width: box.width - 20, height: box.height - 40 };
  const draw = { stat: drawStat, timeseries: drawLines, 'state-timeline': drawTimeline }[panel.type];
  const frame = `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="3" fill="#181b1f" stroke="#2b2f36"/>`;
  const body = series.some(({ values }) => values.some((value) => value !== undefined))
    ? draw(panel, series, inside, scrapes)
    : noData(inside);
  return frame + text({ x: box.x + 10, y: box.y + 21 }, panel.title, 'class="title"') + body;
}

function noData({ x, y, width, height }: Box): string {
  return text({ x: x + width / 2, y: y + height / 2 }, 'No data', 'class="faint" text-anchor="middle"');
}

function seriesOf({ targets }: Panel, scrapes: readonly Scrape[]): readonly Series[] {
  return targets.flatMap(({ expr, legendFormat }) => {
    const expression = parsePromql(expr);
    const byName = new Map<string, (number | undefined)[]>();
    scrapes.forEach((_, index) => {
      for (const { labels, value } of evaluate(expression, scrapes, index)) {
        const name = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_whole, label: string) => labels[label] ?? '');
        const values = byName.get(name) ?? Array.from<undefined>({ length: scrapes.length });
        values[index] = Number.isFinite(value) ? value : undefined;
        byName.set(name, values);
      }
    });
    return Array.from(byName, ([name, values]) => ({ name, values }));
  });
}

function drawStat({ fieldConfig: { defaults } }: Panel, [only]: readonly Series[], { x, y, width, height }: Box): string {
  const values = only?.values ?? [];
  const last = values.findLast((value) => value !== undefined) ?? 0;
  const step = defaults.thresholds?.steps.findLast(({ value }) => value === null || last >= value);
  const colour = named[step?.color ?? 'green'] ?? '';
  const most = Math.max(...values.map((value) => value ?? 0), 1e-9);
  const points = values.map(
    (value, index) => `${at(x, width, index, values.length)},${round(y + height - ((value ?? 0) / most) * height * 0.5)}`,
  );
  const area = `<polygon points="${x},${y + height} ${points.join(' ')} ${x + width},${y + height}" fill="${colour}" opacity="0.25"/>`;
  return `${area}<text x="${x + width / 2}" y="${y + height / 2 + 4}" text-anchor="middle" style="font-size:30px;fill:${colour}">${figure(last, defaults.unit)}</text>`;
}

function drawLines({ fieldConfig: { defaults } }: Panel, series: readonly Series[], box: Box, scrapes: readonly Scrape[]): string {
  const isStacked = defaults.custom?.stacking?.mode === 'normal';
  const legend = drawLegend(series, box);
  const plot: Box = { ...box, x: box.x + 46, width: box.width - 48, height: box.height - legend.height - 16 };
  const floors = new Float64Array(scrapes.length);
  const layers = series.map(({ values }) => values.map((value, index) => layer(value, index, floors, isStacked)));
  const most = niceAbove(Math.max(...layers.flat().map((point) => point?.top ?? 0), 1e-3));
  const height = (value: number): number => round(plot.y + plot.height * (1 - value / most));
  const drawn = layers.map((points, index) => drawLayer(points, colours[index % colours.length] ?? '', plot, height, isStacked));
  return axes(plot, most, defaults.unit, scrapes) + drawn.join('') + legend.svg;
}

type Point = { readonly floor: number; readonly top: number } | undefined;

function layer(value: number | undefined, index: number, floors: Float64Array, isStacked: boolean): Point {
  if (value === undefined && !isStacked) return undefined;
  const floor = isStacked ? (floors[index] ?? 0) : 0;
  floors[index] = floor + (value ?? 0);
  return { floor, top: floor + (value ?? 0) };
}

function drawLayer(points: readonly Point[], colour: string, plot: Box, height: (value: number) => number, isStacked: boolean): string {
  const runs: { index: number; floor: number; top: number }[][] = [[]];
  points.forEach((point, index) => (point === undefined ? runs.push([]) : runs.at(-1)?.push({ index, ...point })));
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const x = (index: number): number => at(plot.x, plot.width, index, points.length);
      const top = run.map(({ index, top }) => `${x(index)},${height(top)}`).join(' ');
      const floor = run
        .toReversed()
        .map(({ index, floor }) => `${x(index)},${height(floor)}`)
        .join(' ');
      const area = `<polygon points="${top} ${floor}" fill="${colour}" opacity="${isStacked ? 0.35 : 0.08}"/>`;
      return `${area}<polyline points="${top}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
    })
    .join('');
}

function axes({ x, y, width, height }: Box, most: number, unit: string, scrapes: readonly Scrape[]): string {
  const lines = [0, 0.5, 1].map((share) => {
    const atY = round(y + height * (1 - share));
    const line = `<line x1="${x}" x2="${x + width}" y1="${atY}" y2="${atY}" stroke="#2b2f36"/>`;
    return line + text({ x: x - 6, y: atY + 4 }, figure(most * share, unit), 'class="faint" text-anchor="end"');
  });
  return lines.join('') + hours({ x, y, width, height }, scrapes);
}

function hours({ x, y, width, height }: Box, scrapes: readonly Scrape[]): string {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const index = Math.round(share * (scrapes.length - 1));
    const time = new Date(scrapes[index]?.atMs ?? 0).toISOString().slice(11, 16);
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return text({ x: at(x, width, index, scrapes.length), y: y + height + 14 }, time, `class="faint" text-anchor="${anchor}"`);
  });
  return marks.join('');
}

function drawLegend(series: readonly Series[], { x, y, width, height }: Box): { svg: string; height: number } {
  const places: { name: string; colour: string; left: number; line: number }[] = [];
  let [left, line] = [0, 0];
  series.forEach(({ name }, index) => {
    const needs = name.length * 7 + 28;
    if (left > 0 && left + needs > width) [left, line] = [0, line + 1];
    places.push({ name, colour: colours[index % colours.length] ?? '', left, line });
    left += needs;
  });
  const tall = (line + 1) * 15 + 4;
  const svg = places.map(({ name, colour, left, line }) => {
    const baseline = y + height - tall + 16 + line * 15;
    const mark = `<rect x="${x + left}" y="${baseline - 6}" width="12" height="3" fill="${colour}"/>`;
    return mark + text({ x: x + left + 17, y: baseline }, name, 'class="faint"');
  });
  return { svg: svg.join(''), height: tall };
}

function drawTimeline({ fieldConfig: { defaults } }: Panel, series: readonly Series[], box: Box, scrapes: readonly Scrape[]): string {
  const states = defaults.mappings?.[0]?.options ?? {};
  const label = Math.max(...series.map(({ name }) => name.length)) * 6.6 + 10;
  const plot: Box = { ...box, x: box.x + label, width: box.width - label, height: box.height - 18 };
  const each = plot.height / series.length;
  const bars = series.map(({ name, values }, line) => {
    const y = plot.y + line * each;
    const runs = runsOf(values).map(({ value, from, to }) => {
      const [start, end] = [at(plot.x, plot.width, from, values.length), at(plot.x, plot.width, to, values.length)];
      const { text: word = String(value), color = 'green' } = states[String(value)] ?? {};
      const bar = `<rect x="${start}" y="${round(y + each * 0.1)}" width="${round(Math.max(end - start, 2))}" height="${round(each * 0.8)}" fill="${named[color]}"/>`;
      const isWide = end - start > word.length * 7 + 6;
      return bar + (isWide ? text({ x: start + 5, y: y + each / 2 + 4 }, word, 'class="state"') : '');
    });
    return text({ x: plot.x - 8, y: y + each / 2 + 4 }, name, 'class="faint" text-anchor="end"') + runs.join('');
  });
  return bars.join('') + hours(plot, scrapes);
}

function runsOf(values: readonly (number | undefined)[]): readonly { value: number; from: number; to: number }[] {
  const runs: { value: number; from: number; to: number }[] = [];
  values.forEach((value, index) => {
    const last = runs.at(-1);
    if (last !== undefined && last.to === index) last.to = index;
    if (value === undefined) return;
    if (last !== undefined && last.value === value && last.to >= index - 1) last.to = index;
    else {
      if (last !== undefined && last.to === index - 1) last.to = index;
      runs.push({ value, from: index, to: index });
    }
  });
  return runs;
}

function at(start: number, width: number, index: number, count: number): number {
  return round(start + (width * index) / Math.max(count - 1, 1));
}

/** A short number. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((step) => step * power >= value) ?? 10);
}

function figure(value: number, unit: string): string {
  if (unit === 'percentunit') return `${short(value * 100)}%`;
  if (unit === 'currencyUSD') return `$${short(value)}`;
  if (unit === 'reqps') return `${short(value)}/s`;
  if (unit === 's') return value > 0 && value < 1 ? `${short(value * 1_000)} ms` : `${short(value)} s`;
  return short(value);
}

function short(value: number): string {
  if (value >= 1_000) return `${short(value / 1_000)}k`;
  return String(Number(value >= 100 ? value.toFixed(0) : value.toPrecision(2)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function text({ x, y }: { x: number; y: number }, words: string, attributes: string): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${safe}</text>`;
}
