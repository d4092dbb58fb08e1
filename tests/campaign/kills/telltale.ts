import type { ChatRequest } from '../../../src/index.ts';
import { type Canaries, type CanaryKind, canaryKinds, createCanaries } from '../_kit/canaries.ts';
import { atLeast, exactly, type Figure } from '../_kit/job.ts';

/** A chat with a canary in every place that a request has; `text` is its last message. */
export function telltaleChat({ of }: Canaries, text: string): ChatRequest {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'look', arguments: JSON.stringify({ at: of.toolArguments }) } };
  const schema = { type: 'object', properties: { answer: { type: 'string', description: of.schemaText } } };
  return {
    model: 'm',
    messages: [
      { role: 'system', content: of.systemPrompt },
      {
        role: 'user',
        content: [
          { type: 'text', text: of.prompt },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${of.imageData}` } },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: of.toolResult },
      { role: 'user', content: of.upstreamEcho },
      { role: 'user', content: text },
    ],
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
    user: of.userField,
    extra: { 'openai-compatible': { note: of.extraField }, custom: { note: of.extraField } },
  };
}

/** The canaries that stand in a text that a backend has received. */
export function kindsIn({ of }: Canaries, received: string): CanaryKind[] {
  return canaryKinds.filter((kind) => received.includes(of[kind]));
}

export const canaryFigureNames: readonly string[] = ['kinds of secrets planted', 'planted kinds that the scanner finds', 'secrets found'];

/** `planted`: the kinds that really went in or came out of a backend. */
export function canaryFigures(canaries: Canaries, planted: ReadonlySet<CanaryKind>): Figure[] {
  const probe = createCanaries(7);
  for (const kind of planted) probe.look('a test of the scanner', new Error(`It says ${probe.of[kind]}.`));
  return [
    atLeast('kinds of secrets planted', 12, planted.size),
    exactly('planted kinds that the scanner finds', planted.size, new Set(probe.hits.map(({ kind }) => kind)).size),
    exactly('secrets found', 0, canaries.hits.length),
  ];
}
