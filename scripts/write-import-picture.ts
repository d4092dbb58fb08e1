// Draws docs/images/imports.svg: the folders of src/, and who imports whom, as the files say it. Nothing is drawn that points upwards.
import { writeFileSync } from 'node:fs';
import { importsOf, readSources, type Source } from '../tests/_kit/source-rules.ts';
import { sansSerif, svgText } from './svg-text.ts';

/** `values` are loaded with whoever imports them, `types` are erased by the compiler, `late` is an `import()`. */
type Kind = 'values' | 'types' | 'late';

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
}

/** Between folders; a file that lies in none stands for itself. Where files differ, what is loaded counts before what is erased. */
export function arrowsOf(sources: readonly Source[]): readonly Arrow[] {
  const found = new Map<string, Arrow>();
  for (const source of sources) {
    for (const { file, kind } of importsOf(source)) {
      const [from, to] = [folderOf(source.path), folderOf(file ?? source.path)];
      if (from === to) continue;
      const isLate = kind === 'dynamic';
      const known = found.get(`${from} ${to} ${isLate}`)?.kind;
      found.set(`${from} ${to} ${isLate}`, {
        from,
        to,
        kind: isLate ? 'late' : known === 'values' || kind === 'value' ? 'values' : 'types',
      });
    }
  }
  return [...found.values()];
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}

/** The names along one circle of imports, types included; what is imported late closes none. Undefined where there is none. */
export function circleIn(arrows: readonly Arrow[]): readonly string[] | undefined {
  const next = targetsOf(arrows);
  const isDone = new Set<string>();
  const follow = (path: readonly string[]): readonly string[] | undefined => {
    const name = path.at(-1) ?? '';
    const before = path.indexOf(name);
    if (before < path.length - 1) return path.slice(before);
    if (isDone.has(name)) return undefined;
    for (const target of next.get(name) ?? []) {
      const circle = follow([...path, target]);
      if (circle !== undefined) return circle;
    }
    isDone.add(name);
    return undefined;
  };
  for (const name of next.keys()) {
    const circle = follow([name]);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

function targetsOf(arrows: readonly Arrow[]): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, readonly string[]>();
  for (const { from, to, kind } of arrows) if (kind !== 'late') next.set(from, [...(next.get(from) ?? []), to]);
  return next;
}

/** Whether something else that the first imports leads to the second as well. */
function hasLongerWay(next: ReadonlyMap<string, readonly string[]>, { from, to }: Arrow): boolean {
  const leads = (name: string): boolean => name === to || (next.get(name) ?? []).some(leads);
  return (next.get(from) ?? []).some((name) => name !== to && leads(name));
}

const [width, rowHeight, boxHeight, top] = [520, 84, 42, 12] as const;

/** From above: the middle of each, and its width where that is not the usual one. */
const rows: readonly Readonly<Record<string, readonly [x: number, width?: number]>>[] = [
  { admin: [262], cli: [382] },
  { testing: [58], 'ai-sdk': [160], http: [322], telemetry: [462] },
  { 'index.ts': [260, 300] },
  { router: [260, 300] },
  { breaker: [58], adapters: [159], config: [260], cache: [361], routing: [462] },
  { state: [260] },
  { lib: [260, 300] },
  { core: [260, 496] },
];
const usualWidth = 92;

interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
}

const boxes: ReadonlyMap<string, Box> = new Map(
  rows.flatMap((row, index) =>
    Object.entries(row).map(([name, [x, boxWidth = usualWidth]]) => {
      return [name, { name, x, y: top + index * rowHeight, halfWidth: boxWidth / 2 }] as const;
    }),
  ),
);

const styleSheet = `<style>
.page{fill:#ffffff}.ink{fill:#1c2128}.faint{fill:#57606a}.box{fill:#f6f8fa;stroke:#8c959f}.line{fill:none;stroke:#57606a;stroke-width:1.3}.head{fill:#57606a;stroke:#57606a}.hollow{fill:#ffffff;stroke:#57606a}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.box{fill:#161b22;stroke:#6e7681}.line{stroke:#9198a1}.head{fill:#9198a1;stroke:#9198a1}.hollow{fill:#0d1117;stroke:#9198a1}}
</style>`;

/** @throws for a circle, and where a folder has no place or a wrong one, so that an import would point upwards. */
export function drawImports(arrows: readonly Arrow[]): string {
  const circle = circleIn(arrows);
  if (circle !== undefined) throw new Error(`There is a circle: ${circle.join(' imports ')}.`);
  const height = 2 * top + (rows.length - 1) * rowHeight + boxHeight;
  const next = targetsOf(arrows);
  const isDrawn = (arrow: Arrow): boolean => arrow.kind === 'late' || !hasLongerWay(next, arrow);
  const names = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].toSorted();
  const leftOut = arrows.filter((arrow) => !isDrawn(arrow));
  const alsoOf = (name: string): readonly string[] => leftOut.filter(({ from }) => from === name).map(({ to }) => to);
  const parts = [
    ...arrows.filter(isDrawn).map(drawArrow).toSorted(),
    ...names.map((name) => drawBox(placeOf(name), alsoOf(name).toSorted())),
    ...drawLegend(),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${sansSerif}">
<title>The folders of src and who imports whom: arrows point downwards, to core in the end</title>
${styleSheet}
<rect class="page" width="${width}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

function placeOf(name: string): Box {
  const box = boxes.get(name);
  if (box === undefined) throw new Error(`scripts/write-import-picture.ts: ${name} has no place in the picture.`);
  return box;
}

function drawBox({ name, x, y, halfWidth }: Box, also: readonly string[]): string {
  return [
    `<rect class="box" x="${x - halfWidth}" y="${y}" width="${2 * halfWidth}" height="${boxHeight}" rx="5"/>`,
    svgText(x, y + (also.length === 0 ? 26 : 18), name, { size: 13.5, weight: 600, look: 'ink', anchor: 'middle' }),
    ...(also.length === 0 ? [] : [svgText(x, y + 34, `also ${also.join(', ')}`, { size: 11, look: 'faint', anchor: 'middle' })]),
  ].join('\n');
}

function drawArrow({ from, to, kind }: Arrow): string {
  const [source, target] = [placeOf(from), placeOf(to)];
  if (source.y < target.y) return drawLine(kind, downwards(source, target), target.y, 1);
  if (kind !== 'late') throw new Error(`scripts/write-import-picture.ts: ${from} imports ${to}, which stands no lower.`);
  if (source.y === target.y) return sidewards(source, target);
  return drawLine(kind, upwards(source, target), target.y + boxHeight, -1);
}

interface Line {
  readonly path: string;
  readonly endX: number;
}

/** Straight where the two boxes stand above one another, and as straight as they allow elsewhere. */
function downwards(source: Box, target: Box): Line {
  const straightX = nearestIn(target, nearestIn(source, source.halfWidth < target.halfWidth ? source.x : target.x));
  const isStraight = nearestIn(source, straightX) === straightX;
  const [startX, endX] = isStraight ? [straightX, straightX] : [nearestIn(source, target.x), nearestIn(target, source.x)];
  const [startY, endY] = [source.y + boxHeight, target.y - headLength];
  const middle = (startY + endY) / 2;
  return { path: `M${startX} ${startY}C${startX} ${middle} ${endX} ${middle} ${endX} ${endY}`, endX };
}

/** Out at the right side, up past what lies between, and from below to where it leads. */
function upwards(source: Box, target: Box): Line {
  const [startX, startY] = [source.x + source.halfWidth, source.y + boxHeight / 2];
  const [pastX, endX, endY] = [startX + bend, nearestIn(target, startX), target.y + boxHeight + headLength];
  const acrossY = endY + headLength;
  const rise = `M${startX} ${startY}H${pastX - headLength}q${headLength} 0 ${headLength} ${-headLength}V${acrossY + headLength}`;
  return { path: `${rise}q0 ${-headLength} ${-headLength} ${-headLength}H${endX + headLength}Q${endX} ${acrossY} ${endX} ${endY}`, endX };
}

function sidewards(source: Box, target: Box): string {
  const side = source.x > target.x ? 1 : -1;
  const y = source.y + boxHeight / 2;
  const end = target.x + side * target.halfWidth;
  return [
    `<path class="line" stroke-dasharray="4 3" d="M${source.x - side * source.halfWidth} ${y}H${end + side * headLength}"/>`,
    `<path class="head" d="M${end} ${y}l${side * headLength} -4v8z"/>`,
  ].join('\n');
}

const [headLength, corner, bend] = [8, 14, 24] as const;

function nearestIn({ x, halfWidth }: Box, wanted: number): number {
  return Math.min(Math.max(wanted, x - halfWidth + corner), x + halfWidth - corner);
}

function drawLine(kind: Kind, { path, endX }: Line, endY: number, direction: 1 | -1): string {
  const dashes = kind === 'late' ? ' stroke-dasharray="4 3"' : '';
  const head = kind === 'types' ? 'hollow' : 'head';
  return `<path class="line"${dashes} d="${path}"/>\n<path class="${head}" d="M${endX} ${endY}l-4 ${-direction * headLength}h8z"/>`;
}

function drawLegend(): string[] {
  const samples = [
    ['values', 'imports'],
    ['types', 'imports types alone'],
    ['late', 'loads at its first use'],
  ] as const;
  return samples.flatMap(([kind, words], index) => {
    const y = top + 10 + index * 17;
    const dashes = kind === 'late' ? ' stroke-dasharray="4 3"' : '';
    const head = `<path class="${kind === 'types' ? 'hollow' : 'head'}" d="M40 ${y}l${-headLength} -4v8z"/>`;
    return [`<path class="line"${dashes} d="M14 ${y}H32"/>\n${head}`, svgText(48, y + 4, words, { size: 11.5, look: 'faint' })];
  });
}

export const picture: URL = new URL('../docs/images/imports.svg', import.meta.url);

export function readArrows(): readonly Arrow[] {
  return arrowsOf(readSources(new URL('../src/', import.meta.url)));
}

if (import.meta.main) writeFileSync(picture, drawImports(readArrows()));
