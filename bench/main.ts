import { fork } from 'node:child_process';
import { once } from 'node:events';
import { ofetch } from 'ofetch';
import type * as Inferlane from '../src/index.ts';
import manifest from '../package.json' with { type: 'json' };
import { compare, type Contender, median, ratio, type Result } from './rounds.ts';

// What a call through the router costs beside the fetch it replaces. Ratios of one run; absolute times are this machine's alone.
// node bench/main.ts [--rounds 15] [--calls 1000] [--streams 200] [--events 100]

const option = (name: string, usual: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : Number(process.argv[at + 1]);
};
const sizes = {
  rounds: option('rounds', 15),
  calls: option('calls', 1_000),
  streams: option('streams', 200),
  events: option('events', 100),
};
const atOnce = 8;

// The built package, since that is what users run; the compiler need not find it.
const built: string = '../dist/index.js';
const { createRouter } = (await import(built)) as typeof Inferlane;

const server = fork(new URL('./server.ts', import.meta.url), [String(sizes.events)]);
const [port] = (await once(server, 'message')) as [number];
const url = `http://127.0.0.1:${port}`;
const request = { model: 'bench', messages: [{ role: 'user' as const, content: 'Say something short.' }] };
const path = `${url}/v1/chat/completions`;
const one = createRouter({ providers: { box: { type: 'vllm', url } } });
const three = createRouter({
  providers: { box: { type: 'vllm', url }, spare: { type: 'llamacpp', url }, other: { type: 'openai-compatible', url } },
});
three.on('attempt:end', () => undefined);

const chats: readonly Contender[] = [
  {
    name: 'fetch',
    async run() {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(request) });
      check(((await response.json()) as Answer).choices[0]?.message.content);
    },
  },
  {
    name: 'ofetch',
    async run() {
      check((await ofetch<Answer>(path, { method: 'POST', body: request })).choices[0]?.message.content);
    },
  },
  { name: 'router, one provider', run: async () => check((await one.chat(request)).choices[0].message.content) },
  { name: 'router, three providers', run: async () => check((await three.chat(request)).choices[0].message.content) },
];

const streams: readonly Contender[] = [
  { name: 'fetch loop', run: readByHand },
  {
    name: 'router, one provider',
    async run() {
      let count = 0;
      for await (const { choices } of await one.stream(request)) if (choices[0]?.delta.content) count += 1;
      checkCount(count);
    },
  },
];

/** No network at all: what the engine itself computes for one chat. */
const canned = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: 'A short answer of a few words.' }, finish_reason: 'stop' }],
});
const cannedHeaders: Record<string, string> = { 'content-type': 'application/json', 'content-length': String(canned.length) };
const header = (name: string): string | null => cannedHeaders[name] ?? null;
const alone = createRouter({
  providers: { box: { type: 'vllm', url } },
  transport: { connects: false, send: async () => ({ status: 200, header, body: null, text: async () => canned }) },
});
const engine: readonly Contender[] = [
  { name: 'engine alone', run: async () => check((await alone.chat(request)).choices[0].message.content) },
];

interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string | null } }[];
}

/** What people write without a library: split at blank lines, parse, look at the delta. */
async function readByHand(): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } });
  const response = await fetch(path, { method: 'POST', headers, body });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let count = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const data = part.slice('data: '.length);
      if (data === '[DONE]') continue;
      if ((JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content) count += 1;
    }
  }
  checkCount(count);
}

function check(content: string | null | undefined): void {
  if (!content?.startsWith('A short answer')) throw new Error('wrong answer');
}

function checkCount(count: number): void {
  if (count !== sizes.events) throw new Error(`${count} of ${sizes.events} events`);
}

function report(title: string, results: readonly Result[], perCall: number, unit: string): void {
  console.log(`\n${title}`);
  for (const result of results) {
    const beside = results.slice(0, 2).filter((other) => other !== result);
    const ratios = beside.map((other) => `${ratio(result, other)} × ${other.name}`).join(', ');
    console.log(
      `  ${result.name.padEnd(24)} ${(median(result.cpuMicros) / perCall).toFixed(1).padStart(7)} µs CPU per ${unit}   ${ratios}`,
    );
  }
}

console.log(
  `inferlane ${manifest.version}, node ${process.version}, ofetch ${manifest.dependencies.ofetch}; ${JSON.stringify(sizes)}, ${atOnce} at once`,
);
report('chat', await compare(chats, sizes.rounds, sizes.calls, atOnce), 1, 'chat');
report('chat without a network', await compare(engine, sizes.rounds, sizes.calls * 5, atOnce), 1, 'chat');
report(`stream of ${sizes.events} events`, await compare(streams, sizes.rounds, sizes.streams, atOnce), sizes.events, 'event');

await Promise.all([one.close(), three.close(), alone.close()]);
server.disconnect();
