// Draws docs/images/trace.svg: what a GPU without memory and the CPU behind it look like in a trace. The run is real, its servers are played.
import { writeFileSync } from 'node:fs';
import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createRouter } from '../src/index.ts';
import { traced } from '../src/telemetry/otel.ts';
import { after, fakeBackend, outOfMemory, reply, slow } from '../src/testing/index.ts';
import { fixed, sansSerif, svgText as text } from './svg-text.ts';

const answer = 'A router asks the first server that can answer, and the next one when that one fails.';

/** The spans of one stream, in the order in which they began. */
export async function runOutOfMemory(): Promise<readonly ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  await using gpu = await fakeBackend('ollama', after(140, outOfMemory('cuda'))).listen();
  await using cpu = await fakeBackend('ollama', after(180, slow(40, reply(answer)))).listen();
  await using plain = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
  });
  const request = { model: 'llama3.1', messages: [{ role: 'user', content: 'What does a router do?' }] } as const;
  for await (const _chunk of await traced(plain, { tracerProvider }).stream(request)) continue;
  return exporter.getFinishedSpans().toSorted((one, other) => millisecondsOf(one.startTime) - millisecondsOf(other.startTime));
}

function millisecondsOf([seconds, nanoseconds]: HrTime): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

const [width, left, right, top, rowHeight] = [960, 210, 30, 62, 58] as const;
const colours = { call: '#3b5bdb', ok: '#2b8a3e', error: '#c92a2a', ink: '#1c2128', faint: '#57606a', line: '#d8dee4' } as const;

/** A waterfall: one row for each span, ticks for what was decided in it and for its first content. */
export function drawTrace(spans: readonly ReadableSpan[]): string {
  const startMs = Math.min(...spans.map((span) => millisecondsOf(span.startTime)));
  const spanMs = Math.max(...spans.map((span) => millisecondsOf(span.endTime))) - startMs;
  const x = (ms: number): number => left + (ms / spanMs) * (width - left - right);
  const rows = spans.map((span, index) => drawRow(span, top + index * rowHeight, (ms) => x(ms - startMs)));
  const stepMs = [50, 100, 200, 500, 1_000].find((step) => spanMs / step <= 8) ?? 2_000;
  const marks = Array.from({ length: Math.floor(spanMs / stepMs) + 1 }, (_, index) => index * stepMs);
  const height = top + spans.length * rowHeight + 8;
  const grid = marks.map(
    (ms) =>
      `<line x1="${fixed(x(ms))}" y1="44" x2="${fixed(x(ms))}" y2="${height - 12}" stroke="${colours.line}"/>` +
      text(x(ms), 36, `${ms} ms`, { size: 11, fill: colours.faint, anchor: 'middle' }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${sansSerif}">
<title>A trace: the GPU is out of memory, the CPU answers</title>
<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>
${[...grid, ...rows].join('\n')}
</svg>
`;
}

function drawRow(span: ReadableSpan, y: number, x: (ms: number) => number): string {
  const { name, attributes, events, status, startTime, endTime } = span;
  const [from, to] = [millisecondsOf(startTime), millisecondsOf(endTime)];
  const isCall = attributes['gen_ai.operation.name'] !== undefined;
  const isError = status.code === SpanStatusCode.ERROR;
  const fill = isError ? colours.error : isCall ? colours.call : colours.ok;
  const said = isCall
    ? `answered by ${attributes['inferlane.provider']}, ${attributes['gen_ai.usage.output_tokens']} tokens`
    : isError
      ? `error.type = ${attributes['error.type']}`
      : `${attributes['gen_ai.provider.name']}, ${attributes['gen_ai.request.model']}`;
  const firstMs = attributes['inferlane.first_content_ms'];
  const ticks = [
    ...events.map((event) => ({ atMs: millisecondsOf(event.time), word: event.name })),
    ...(typeof firstMs === 'number' ? [{ atMs: from + firstMs, word: 'first content' }] : []),
  ];
  return [
    text(isCall ? 16 : 36, y + 17, name, { size: 13.5, weight: isCall ? 600 : 400, fill: colours.ink }),
    text(isCall ? 16 : 36, y + 34, said, { size: 11, fill: isError ? colours.error : colours.faint }),
    `<rect x="${fixed(x(from))}" y="${y + 4}" width="${fixed(Math.max(2, x(to) - x(from)))}" height="18" rx="3" fill="${fill}"/>`,
    text(x(to) - 6, y + 17, `${Math.round(to - from)} ms`, { size: 11, fill: '#ffffff', anchor: 'end' }),
    ...ticks.map(
      ({ atMs, word }) =>
        `<path d="M${fixed(x(atMs))} ${y + 1}v26" stroke="${colours.ink}" stroke-width="2"/>` +
        text(x(atMs), y + 40, word, { size: 11, fill: colours.ink, anchor: 'middle' }),
    ),
  ].join('\n');
}

if (import.meta.main) writeFileSync(new URL('../docs/images/trace.svg', import.meta.url), drawTrace(await runOutOfMemory()));
