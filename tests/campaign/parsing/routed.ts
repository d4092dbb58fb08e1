import { type ChatRequest, createRouter, isRouterError, type Transport } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { pick } from '../_kit/numbers.ts';
import { textIn } from './adapters.ts';
import { createAnswer, expectedOf } from './answers.ts';
import { cutsOf, platformBody } from './bodies.ts';
import type { Format } from './documents.ts';

export interface RoutedCounts {
  cases: number;
  /** Streams that a reader of the router gets otherwise than the reference says. */
  unlikeReference: number;
  undocumented: number;
  samples: unknown[];
}

/** A request with a canary of each kind that a request can carry. */
function requestOf({ of }: Canaries, format: Format): ChatRequest {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'look', arguments: JSON.stringify({ at: of.toolArguments }) } };
  const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${Buffer.from(of.imageData).toString('base64')}` } };
  return {
    model: 'tiny',
    messages: [
      { role: 'system', content: of.systemPrompt },
      { role: 'user', content: [{ type: 'text', text: of.prompt }, image] },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: of.toolResult },
    ],
    tools: [
      { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { description: of.schemaText } } } } },
    ],
    ...(format === 'sse' && { user: of.userField }),
  };
}

const paths: Readonly<Record<Format, string>> = { sse: '/v1/chat/completions', ndjson: '/api/chat' };

function transportOf(format: Format, body: ReadableStream<Uint8Array>): Transport {
  return {
    connects: false,
    async send({ url }) {
      const isChat = new URL(url).pathname === paths[format];
      return { status: isChat ? 200 : 404, header: () => null, body: isChat ? body : null, text: async () => '{}' };
    },
  };
}

/** Whole streams through a router of their own, everything that it tells looked at. */
export async function tryRouted(cases: number, random: () => number, canaries: Canaries): Promise<RoutedCounts> {
  const counts: RoutedCounts = { cases: 0, unlikeReference: 0, undocumented: 0, samples: [] };
  const { of } = canaries;
  const sent = [of.prompt, of.systemPrompt, of.toolResult, of.toolArguments, of.apiKey, of.headerValue, of.schemaText];
  for (; counts.cases < cases; counts.cases++) {
    const format = counts.cases % 2 === 0 ? 'sse' : 'ndjson';
    const bytes = createAnswer(format, random, { answer: of.completion, request: `cannot read ${pick(sent, random)}` });
    const cuts = pick([...cutsOf(bytes, random)], random);
    const told = await ask(format, platformBody(cuts), canaries);
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

async function ask(format: Format, body: ReadableStream<Uint8Array>, canaries: Canaries): Promise<Told> {
  const { of } = canaries;
  await using router = createRouter({
    providers: {
      box: {
        type: format === 'sse' ? 'openai-compatible' : 'ollama',
        url: 'http://box.example',
        apiKey: of.apiKey,
        headers: { 'x-tenant': of.headerValue },
      },
      // Never asked, and never to be told of: it may answer no chat.
      door: { type: 'openai-compatible', url: `http://${of.urlUser}:${of.urlPassword}@door.example`, enabled: false },
    },
    maxAttempts: 1,
    transport: transportOf(format, body),
  });
  canaries.watch(router);
  let text = '';
  try {
    const stream = await router.stream(requestOf(canaries, format), { provider: 'box' });
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
