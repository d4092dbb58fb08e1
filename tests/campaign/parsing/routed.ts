import { createRouter, isRouterError, type Transport } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { pick } from '../_kit/numbers.ts';
import { kindsIn, plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { textIn } from './adapters.ts';
import { createAnswer, expectedOf } from './answers.ts';
import { cutsOf, platformBody } from './bodies.ts';
import type { Format } from './documents.ts';

export interface RoutedCounts {
  cases: number;
  /** Streams that a reader of the router gets otherwise than the reference says. */
  unlikeReference: number;
  undocumented: number;
  /** The kinds of canaries that the network was given, and that it gave back. */
  readonly planted: Set<string>;
  samples: unknown[];
}

const paths: Readonly<Record<Format, string>> = { sse: '/v1/chat/completions', ndjson: '/api/chat' };

function transportOf(format: Format, answer: ReadableStream<Uint8Array>, planted: Set<string>): Transport {
  return {
    async send({ url, headers, body }) {
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      for (const kind of kindsIn(`${head.join('\n')}\n\n${body ?? ''}`)) planted.add(kind);
      const isChat = new URL(url).pathname === paths[format];
      return { status: isChat ? 200 : 404, header: () => null, body: isChat ? answer : null, text: async () => '{}' };
    },
  };
}

/** Whole streams through a router of their own, everything that it tells looked at. */
export async function tryRouted(cases: number, random: () => number, canaries: Canaries): Promise<RoutedCounts> {
  const counts: RoutedCounts = { cases: 0, unlikeReference: 0, undocumented: 0, planted: new Set(), samples: [] };
  const { of } = canaries;
  const texts = [of.prompt, of.systemPrompt, of.toolResult, of.toolArguments, of.schemaText];
  const secrets = { key: [of.apiKey, of.headerValue], url: [of.urlPassword, of.otherKey] };
  for (; counts.cases < cases; counts.cases++) {
    const format = counts.cases % 2 === 0 ? 'sse' : 'ndjson';
    const secretIn = counts.cases % 4 < 2 ? 'key' : 'url';
    const bytes = createAnswer(format, random, {
      answer: of.completion,
      request: `cannot read ${pick([...texts, ...secrets[secretIn]], random)}`,
    });
    const cuts = pick([...cutsOf(bytes, random)], random);
    for (const kind of kindsIn(Buffer.from(bytes).toString())) counts.planted.add(kind);
    const told = await ask({ format, secretIn, body: platformBody(cuts) }, canaries, counts.planted);
    const { text, isWhole } = expectedOf(format, bytes);
    if (told.undocumented) counts.undocumented += 1;
    if (told.text === text && told.isWhole === isWhole) continue;
    counts.unlikeReference += 1;
    if (counts.samples.length < 3) counts.samples.push({ format, bytes: Buffer.from(bytes).toString('latin1'), told, text, isWhole });
  }
  return counts;
}

interface Told {
  readonly text: string;
  readonly isWhole: boolean;
  readonly undocumented: boolean;
}

interface Asked {
  readonly format: Format;
  readonly secretIn: 'key' | 'url';
  readonly body: ReadableStream<Uint8Array>;
}

async function ask({ format, secretIn, body }: Asked, canaries: Canaries, planted: Set<string>): Promise<Told> {
  const type = format === 'sse' ? 'openai-compatible' : 'ollama';
  await using router = createRouter({
    providers: { box: plantedProvider(canaries, 'http://box.example', secretIn, type) },
    maxAttempts: 1,
    transport: transportOf(format, body, planted),
  });
  canaries.watch(router);
  let text = '';
  try {
    const stream = await router.stream(plantedChat(canaries));
    try {
      for await (const chunk of stream) text += textIn([chunk]);
      return { text, isWhole: true, undocumented: false };
    } finally {
      canaries.look('route', stream.route);
    }
  } catch (error) {
    canaries.look('error', error);
    return { text, isWhole: false, undocumented: !isRouterError(error) };
  } finally {
    canaries.look('snapshot', router.snapshot());
  }
}
