import { InferenceClient } from '@huggingface/inference';
import { expect } from 'vitest';
import { judgedToken, type JudgedServer, person, sentence, weather } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, token = judgedToken): InferenceClient => new InferenceClient(token, { endpointUrl: `${url}/v1` });
const hello = [{ role: 'user', content: 'Say it.' }];
const waiting = [{ role: 'user', content: 'Say it and never end.' }];
const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: weather } }];

export const huggingface: Judge = {
  async chat(server) {
    const answer = await client(server).chatCompletion({ model: 'judged', messages: hello });
    expect(answer.choices[0]?.message.content).toBe(sentence);
    expect(answer.usage.total_tokens).toBe(16);
  },

  async stream(server) {
    const pieces = [];
    for await (const { choices } of client(server).chatCompletionStream({ model: 'judged', messages: hello })) {
      pieces.push(choices[0]?.delta.content ?? '');
    }
    expect(pieces.join('')).toBe(sentence);
    expect(pieces.length).toBeGreaterThan(8);
  },

  async 'tools loop'(server) {
    const first = await client(server).chatCompletion({ model: 'judged', messages: hello, tools });
    const message = first.choices[0]?.message;
    expect(message?.tool_calls?.[0]?.function).toMatchObject({ name: 'get_weather', arguments: '{"city":"Vienna"}' });
    const result = { role: 'tool', tool_call_id: message?.tool_calls?.[0]?.id, content: 'sun in Vienna' };
    const turns = [...hello, { ...message, role: 'assistant' }, result] as typeof hello;
    const end = await client(server).chatCompletion({ model: 'judged', messages: turns, tools });
    expect(end.choices[0]?.message.content).toBe('The tool says sun in Vienna.');
  },

  async json_schema(server) {
    const format = { type: 'json_schema' as const, json_schema: { name: 'person', strict: true, schema: person } };
    const answer = await client(server).chatCompletion({ model: 'judged', messages: hello, response_format: format });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ name: 'Ada', age: 36 });
  },

  async abort(server) {
    await leaves(server, async () => {
      const controller = new AbortController();
      const read = async (): Promise<void> => {
        const stream = client(server).chatCompletionStream({ model: 'judged', messages: waiting }, { signal: controller.signal });
        for await (const _chunk of stream) controller.abort();
      };
      await expect(read()).rejects.toMatchObject({ name: 'AbortError' });
    });
  },

  async errors(server) {
    const ask = (model: string, token?: string): Promise<unknown> => client(server, token).chatCompletion({ model, messages: hello });
    await expect(ask('judged', 'wrong-token-of-nobody')).rejects.toMatchObject({ httpResponse: { status: 401 } });
    await expect(ask('limited')).rejects.toMatchObject({ httpResponse: { status: 429 } });
    await expect(ask('absent')).rejects.toMatchObject({ httpResponse: { status: 404 } });
    await expect(ask('refusing')).rejects.toMatchObject({ httpResponse: { status: 400 } });
  },
};
