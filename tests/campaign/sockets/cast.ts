import type { ChatRequest, ProviderOptions } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import type { BackendFacts } from './backend.ts';
import type { Plan } from './plan.ts';
import type { Protocol } from './wire-texts.ts';

/** Who takes part: four servers, two of each protocol, each with credentials of its own in a form of its own. */
export const protocols: readonly Protocol[] = ['openai', 'openai', 'ollama', 'ollama'];

const types = ['openai-compatible', 'vllm', 'ollama', 'ollama'] as const;

export const providerId = (backend: number): string => `b${backend}`;
export const backendOf = (provider: string): number => Number(provider.slice(1));

export function backendFacts({ of }: Canaries): readonly BackendFacts[] {
  const keys = protocols.map((_, index) => keyOf(index, of));
  const basic = `Basic ${Buffer.from(`${of.urlUser}:${of.urlPassword}`).toString('base64')}`;
  return protocols.map((protocol, index) => ({
    index,
    protocol,
    authorization: index === 3 ? basic : `Bearer ${keys[index]}`,
    foreign: [...keys.filter((key) => key !== keys[index]), ...(index === 3 ? [] : [basic]), ...(index === 2 ? [] : [of.headerValue])],
    completion: of.completion,
  }));
}

function keyOf(index: number, of: Canaries['of']): string {
  return index === 1 ? of.otherKey : `${of.apiKey}-${index}`;
}

/** The options of one provider. `url`: where it is now. */
export function providerOptions(index: number, url: string, { of }: Canaries): ProviderOptions {
  const type = types[index] ?? 'ollama';
  // Servers of the rig take any number of requests, whatever their kind does by default.
  const usual = { type, device: 'gpu', maxConcurrent: 1_000 } as const;
  if (index === 3) return { ...usual, url: url.replace('://', `://${of.urlUser}:${of.urlPassword}@`) };
  const apiKey = keyOf(index, of);
  return { ...usual, url, apiKey, ...(index === 2 && { headers: { 'x-campaign': of.headerValue } }) };
}

/** What is asked: the prompt says which request it is and what each server does with it. Every eighth carries all that a request can. */
export function requestOf({ id, kinds, model }: Plan, { of }: Canaries): ChatRequest {
  const prompt = `${of.prompt} ${of.upstreamEcho} [r${id} ${kinds.join(' ')}]`;
  const plain: ChatRequest = { model, user: of.userField, messages: [{ role: 'user', content: prompt }] };
  if (id % 8 !== 0) return plain;
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'look_up', arguments: JSON.stringify({ what: of.toolArguments }) },
  } as const;
  return {
    ...plain,
    messages: [
      { role: 'system', content: of.systemPrompt },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: of.toolResult },
      { role: 'user', content: prompt },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object', description: of.schemaText } } },
    extra: { vllm: { campaign: of.extraField }, 'openai-compatible': { campaign: of.extraField }, ollama: { campaign: of.extraField } },
  };
}
