// Draws docs/images/failover.svg: a GPU runs out of memory, its model is pinned, the CPU answers, and the next call goes straight there.
// The run is real; its servers are played, and its time is that of a test clock, so every run gives the same picture.
import { writeFileSync } from 'node:fs';
import { type EventName, eventNames, type RouteTrace, type RouterEvents } from '../src/index.ts';
import { after, createTestRouter, fakeBackend, outOfMemory, reply, slow, testClock } from '../src/testing/index.ts';
import { fixed, sansSerif, svgText } from './svg-text.ts';

const pauseMs = 700;

interface Told {
  readonly atMs: number;
  readonly name: EventName;
  readonly payload: RouterEvents[EventName];
}

/** One call: its text, and where it went. Times count from the start of the first call. */
interface Call {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  readonly route: RouteTrace;
}

export interface FailoverRun {
  readonly calls: readonly Call[];
  readonly events: readonly Told[];
  readonly pinnedMs: number;
}

/** Two streams, one after the other, of which the first finds the GPU without memory. */
export async function runFailover(): Promise<FailoverRun> {
  const clock = testClock();
  await using gpu = await fakeBackend('ollama', after(1_600, outOfMemory('cuda')), { clock }).listen();
  await using cpu = await fakeBackend('ollama', after(600, slow(5, reply('Hello from the CPU.'))), { clock }).listen();
  await using made = createTestRouter(
    {
      providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
    },
    { clock },
  );
  const { router } = made;
  const beginMs = clock.nowMs();
  const events: Told[] = [];
  for (const name of eventNames) router.on(name, (payload) => events.push({ atMs: clock.nowMs() - beginMs, name, payload }));
  const ask = async (): Promise<Call> => {
    const startMs = clock.nowMs() - beginMs;
    let text = '';
    const stream = await router.stream({ model: 'llama3.1', messages: [{ role: 'user', content: 'Hello!' }] });
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    return { startMs, endMs: clock.nowMs() - beginMs, text, route: stream.route };
  };
  const first = await clock.run(ask());
  await clock.advance(pauseMs);
  const second = await clock.run(ask());
  const pin = events.find(({ name }) => name === 'model:pinned');
  if (pin === undefined || !('untilMs' in pin.payload)) throw new Error('Nothing was pinned.');
  return { calls: [first, second], events, pinnedMs: pin.payload.untilMs - beginMs - pin.atMs };
}

const [width, left, right, top, laneHeight, barHeight] = [960, 118, 28, 58, 46, 26] as const;
const lanes = ['your call', 'gpu', 'cpu'] as const;
const eventsAt = top + lanes.length * laneHeight + 24;
const lineHeight = 16;

const styleSheet = `<style>
.page{fill:#ffffff}.ink{fill:#1c2128}.faint{fill:#57606a}.line{stroke:#d0d7de}.call{fill:#3b5bdb}.ok{fill:#2b8a3e}.error{fill:#c92a2a}.pin{fill:#fff3bf;stroke:#b08800}.pinned{fill:#6b5200}.on{fill:#ffffff}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.line{stroke:#30363d}.pin{fill:#3a2f00;stroke:#b08800}.pinned{fill:#f2cc60}}
</style>`;

/** Three lanes over time, and below them what the router told at each moment. */
export function drawFailover({ calls, events, pinnedMs }: FailoverRun): string {
  const wholeMs = Math.max(...calls.map(({ endMs }) => endMs));
  const x = (ms: number): number => left + (ms / wholeMs) * (width - left - right);
  const moments = [...new Set(events.map(({ atMs }) => atMs))].map((atMs) => ({
    atMs,
    told: events.filter((event) => event.atMs === atMs),
  }));
  const height = eventsAt + Math.max(...moments.map(({ told }) => told.length)) * lineHeight + 6;
  const columns = moments.flatMap(({ atMs, told }) => drawMoment(x(atMs), atMs, told, atMs === wholeMs));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${sansSerif}">
<title>The GPU runs out of memory, its model is pinned, the CPU answers, and the next call goes straight there</title>
${styleSheet}
<rect class="page" width="${width}" height="${height}" rx="8"/>
${[...lanes.map(drawLane), ...columns, drawPin(events, pinnedMs, x, wholeMs), ...calls.flatMap((call) => drawCall(call, x))].join('\n')}
</svg>
`;
}

function drawLane(name: string, index: number): string {
  return svgText(16, laneTop(index) + 18, name, { size: 13.5, weight: index === 0 ? 600 : 400, look: 'ink' });
}

function laneTop(index: number): number {
  return top + index * laneHeight;
}

/** A line through the lanes, its time above them, and the names of the events of that moment below. */
function drawMoment(at: number, ms: number, told: readonly Told[], isLast: boolean): string[] {
  const place = isLast ? { anchor: 'end' as const } : {};
  const nearby = isLast ? at - 4 : at + 4;
  return [
    `<path class="line" d="M${fixed(at)} 40V${eventsAt + told.length * lineHeight - 8}"/>`,
    svgText(isLast ? at : at - 1, 32, `${(ms / 1_000).toFixed(1)} s`, { size: 11, look: 'faint', anchor: isLast ? 'end' : 'middle' }),
    ...told.map(({ name, payload }, index) =>
      svgText(nearby, eventsAt + index * lineHeight, `${name}${saidOf(name, payload)}`, { size: 11, look: 'ink', ...place }),
    ),
  ];
}

function saidOf(name: EventName, payload: RouterEvents[EventName]): string {
  if (name === 'failover' && 'to' in payload) return ` ${payload.from} → ${payload.to}`;
  return 'provider' in payload && name.startsWith('attempt:') ? ` ${payload.provider}` : '';
}

/** From the moment of the pin to the end of the picture; it lasts far longer. */
function drawPin(events: readonly Told[], pinnedMs: number, x: (ms: number) => number, wholeMs: number): string {
  const pin = events.find(({ name }) => name === 'model:pinned');
  if (pin === undefined || !('model' in pin.payload)) return '';
  const [from, y] = [x(pin.atMs), laneTop(1)];
  const words = `${pin.payload.model} is pinned: not asked for here for ${pinnedMs / 60_000} min`;
  return [
    `<rect class="pin" x="${fixed(from)}" y="${y}" width="${fixed(x(wholeMs) - from)}" height="${barHeight}" rx="4" stroke-dasharray="5 4"/>`,
    svgText(from + 10, y + 17, words, { size: 12, look: 'pinned' }),
  ].join('\n');
}

function drawCall({ startMs, endMs, text, route }: Call, x: (ms: number) => number): string[] {
  const attempts = route.attempts.flatMap(({ provider, startedMs, ms, firstContentMs, error }) => {
    const from = startMs + startedMs;
    const words = error === undefined ? (firstContentMs === undefined ? '' : 'answers') : error.code;
    return drawBar(x(from), x(from + ms), lanes.indexOf(provider as (typeof lanes)[number]), error ? 'error' : 'ok', words);
  });
  return [...drawBar(x(startMs), x(endMs), 0, 'call', `“${text}”`), ...attempts];
}

function drawBar(from: number, to: number, lane: number, look: string, words: string): string[] {
  const y = laneTop(lane);
  return [
    `<rect class="${look}" x="${fixed(from)}" y="${y}" width="${fixed(to - from)}" height="${barHeight}" rx="4"/>`,
    svgText(from + 10, y + 17, words, { size: 12, look: 'on' }),
  ];
}

export const picture: URL = new URL('../docs/images/failover.svg', import.meta.url);

if (import.meta.main) writeFileSync(picture, drawFailover(await runFailover()));
