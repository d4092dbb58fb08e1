import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runChat } from '../../src/adapters/cpu-chat.ts';
import type { ChatEngine } from '../../src/adapters/cpu-models.ts';
import { toGenerateOptions, toHistory } from '../../src/adapters/cpu-prompt.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import type { ChatMessage, ResponseFormat } from '../../src/core/types.ts';
import { chain } from '../tiny-model/models.ts';
import { chatCall, cpuOf, modelFolder, textOf } from './cpu-kit.ts';

describe('a history', () => {
  test('keeps all messages in their order', () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'a' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'b' },
          { type: 'text', text: 'c' },
        ],
      },
      { role: 'assistant', content: 'd' },
      { role: 'developer', content: 'e' },
      { role: 'user', content: null },
    ];
    expect(toHistory(messages, 'local')).toEqual([
      { type: 'system', text: 'a' },
      { type: 'user', text: 'bc' },
      { type: 'model', response: ['d'] },
      { type: 'system', text: 'e' },
      { type: 'user', text: '' },
    ]);
  });

  test.each<[string, ChatMessage]>([
    ['an image', { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }],
    ['a tool result', { role: 'tool', content: '1', tool_call_id: 'x' }],
    ['a tool call', { role: 'assistant', tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }] }],
  ])('with %s is refused rather than cut', (_what, message) => {
    expect(() => toHistory([message], 'local')).toThrow(expect.objectContaining({ code: 'unsupported' }) as Error);
  });
});

describe('sampling', () => {
  test('is llama.cpp’s own where nothing is asked, without a penalty', () => {
    expect(toGenerateOptions({ messages: [] })).toEqual({ temperature: 0.8, repeatPenalty: false });
  });

  test('takes what is asked', () => {
    const request = { messages: [], temperature: 0, top_p: 0.5, seed: -1, stop: 'x', presence_penalty: 1, frequency_penalty: -1 };
    expect(toGenerateOptions(request)).toEqual({
      temperature: 0,
      topP: 0.5,
      seed: 4_294_967_295,
      customStopTriggers: ['x'],
      repeatPenalty: { penalty: 1, presencePenalty: 1, frequencyPenalty: -1 },
    });
  });
});

describe('reading a long prompt', () => {
  test('ends within one piece of it when the call is aborted', async () => {
    const controller = new AbortController();
    const read: number[] = [];
    const sequence = {
      tokenMeter: { getState: () => ({}), diff: () => ({}) },
      evaluateWithoutGeneratingNewTokens: async (tokens: number[]) => {
        read.push(tokens.length);
        controller.abort('enough');
      },
    };
    const plan = { request: { messages: [] }, history: [], prompt: Array<number>(1_000).fill(1), maxTokens: 1, grammar: undefined };
    await expect(runChat(plan, { sequence } as never as ChatEngine, controller.signal, () => undefined)).rejects.toBe('enough');
    expect(read).toHaveLength(1);
    expect(read[0]).toBeLessThan(200);
  });
});

function schemaOf(schema: Record<string, unknown>): ResponseFormat {
  return { type: 'json_schema', json_schema: { name: 'x', schema } };
}

describe('a response format', () => {
  const folder = modelFolder();
  let cpu: Adapter;

  beforeAll(() => {
    cpu = cpuOf({ modelPath: folder.write('chain.gguf', chain()) });
  });

  afterAll(async () => {
    await cpu.close?.();
    folder.remove();
  });

  test('of a schema holds the answer of a model that would say something else', async () => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean', description: 'really' } }, required: ['ok'] };
    const text = await textOf(cpu, { response_format: schemaOf(schema), temperature: 0 });
    expect(JSON.parse(text ?? '')).toEqual({ ok: expect.any(Boolean) as boolean });
  });

  test('of any JSON object begins one', async () => {
    expect(await textOf(cpu, { response_format: { type: 'json_object' }, max_tokens: 3 })).toMatch(/^\{/);
  });

  test('of text changes nothing', async () => {
    expect(await textOf(cpu, { response_format: { type: 'text' } })).toBe('Hello from a tiny model.');
  });

  test.each([
    [{ type: 'string', pattern: '^a' }, 'pattern'],
    [{ type: 'array', items: { anyOf: [{ not: {} }] } }, 'not'],
    [{ type: 'object', properties: { a: { type: 'integer', minimum: 3 } } }, 'minimum'],
    [{ oneOf: [{ type: 'string', format: 'email' }] }, 'format: email'],
    [{ $defs: { a: { not: {} } } }, 'not'],
  ])('of a schema with a part that the grammar cannot hold, %o, is refused', async (schema, part) => {
    const call = chatCall({ response_format: schemaOf(schema) });
    await expect(cpu.chat(call)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(part) as string });
  });

  test('of a schema with alternatives holds the answer to one of them, by either word', async () => {
    for (const word of ['anyOf', 'oneOf']) {
      const schema = { type: 'object', properties: { ok: { [word]: [{ const: 'a' }, { const: 'b' }] } } };
      const text = await textOf(cpu, { response_format: schemaOf(schema), temperature: 0 });
      expect(['a', 'b']).toContain((JSON.parse(text ?? '') as { ok: string }).ok);
    }
  });

  test('may have properties called like keywords', async () => {
    const schema = { type: 'object', properties: { pattern: { const: 'a' } } };
    expect(JSON.parse((await textOf(cpu, { response_format: schemaOf(schema), temperature: 0 })) ?? '')).toEqual({ pattern: 'a' });
  });
});
