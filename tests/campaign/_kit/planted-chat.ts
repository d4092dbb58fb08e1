import type { ChatRequest, ProviderOptions } from '../../../src/index.ts';
import type { Canaries } from './canaries.ts';

/** The kinds whose texts a server was sent: a list without repetitions, of the head and the body of a request. */
export function kindsIn(request: string): string[] {
  const basic = /^authorization: basic ([\w+/=]+)/im.exec(request)?.[1];
  const all = basic === undefined ? request : request + Buffer.from(basic, 'base64').toString();
  return [...new Set(Array.from(all.matchAll(/canary-([a-z]+)-/gi), ([, kind = '']) => kind))];
}

/** `text` follows the marked prompt: how a rig tells one call from another. */
export function plantedChat({ of }: Pick<Canaries, 'of'>, text = ''): ChatRequest {
  const call = { id: 'call_1', type: 'function' as const, function: { name: 'look', arguments: JSON.stringify({ at: of.toolArguments }) } };
  return {
    model: 'tiny',
    messages: [
      { role: 'system', content: `You are brief. ${of.systemPrompt}` },
      { role: 'user', content: 'Look there.' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: of.toolResult },
      { role: 'user', content: `${of.prompt} ${text}` },
    ],
    tools: [{ type: 'function', function: { name: 'look', description: of.schemaText, parameters: { type: 'object' } } }],
    user: of.userField,
    extra: { 'openai-compatible': { note: of.extraField } },
  };
}

/** With a key, or with a name and a password in the address and another key in a header. */
export function plantedProvider(
  { of }: Pick<Canaries, 'of'>,
  url: string,
  secretIn: 'key' | 'url',
  type: 'openai-compatible' | 'ollama' = 'openai-compatible',
): ProviderOptions {
  if (secretIn === 'key') return { type, url, apiKey: of.apiKey, headers: { 'x-note': of.headerValue } };
  const headers = { 'x-other-key': of.otherKey };
  return { type, url: url.replace('//', `//${of.urlUser}:${of.urlPassword}@`), headers };
}
