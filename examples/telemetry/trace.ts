import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createRouter } from 'inferlane';
import { traced } from 'inferlane/otel';
import { fakeBackend, outOfMemory, reply } from 'inferlane/testing';

// What an application does once, at its start; yours has another exporter.
const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));

// Two servers on this machine, the first of which has no memory left.
await using gpu = await fakeBackend('ollama', outOfMemory('cuda')).listen();
await using cpu = await fakeBackend('ollama', reply('Hello from the CPU.')).listen();

await using router = traced(
  createRouter({
    providers: { gpu: { type: 'ollama', url: gpu.url, device: 'gpu' }, cpu: { type: 'ollama', url: cpu.url, device: 'cpu' } },
  }),
);

await trace.getTracer('app').startActiveSpan('GET /greeting', async (span) => {
  await router.chat({ model: 'llama3.1', messages: [{ role: 'user', content: 'Hello!' }] });
  span.end();
});
print(exporter.getFinishedSpans());

/** Spans as a tree: who called whom, and how it ended. */
function print(spans: readonly ReadableSpan[], parent?: string, depth: number = 0): void {
  for (const span of spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)) {
    const { 'error.type': error, 'inferlane.provider': provider, 'gen_ai.usage.output_tokens': tokens } = span.attributes;
    const facts = [error, depth === 1 && `answered by ${provider}`, tokens && `${tokens} tokens`].filter(Boolean);
    console.log(`${'  '.repeat(depth)}${span.name}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`);
    for (const { name } of span.events) console.log(`${'  '.repeat(depth + 1)}· ${name}`);
    print(spans, span.spanContext().spanId, depth + 1);
  }
}
