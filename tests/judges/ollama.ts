import { Ollama } from 'ollama';
import { expect } from 'vitest';
import { judgedToken, type JudgedServer, person, sentence, weather } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, token = judgedToken): Ollama =>
  new Ollama({ host: url, headers: { authorization: `Bearer ${token}` } });
const hello = { role: 'user', content: 'Say it.' };
const waiting = { role: 'user', content: 'Say it and never end.' };
const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'How it is there.', parameters: { ...weather, required: ['city'] } } },
];

export const ollama: Judge = {
  async chat(server) {
    const { message, done, prompt_eval_count, eval_count } = await client(server).chat({ model: 'judged', messages: [hello] });
    expect(message).toMatchObject({ role: 'assistant', content: sentence });
    expect({ done, prompt_eval_count, eval_count }).toEqual({ done: true, prompt_eval_count: 7, eval_count: 9 });
    const generated = await client(server).generate({ model: 'judged', prompt: 'Say it.' });
    expect(generated.response).toBe(sentence);
    expect((await client(server).list()).models.map(({ name }) => name)).toContain('judged');
  },

  async stream(server) {
    let text = '';
    let pieces = 0;
    let last: { done: boolean; done_reason: string } | undefined;
    for await (const part of await client(server).chat({ model: 'judged', messages: [hello], stream: true })) {
      text += part.message.content;
      pieces += 1;
      last = part;
    }
    expect(text).toBe(sentence);
    expect(pieces).toBeGreaterThan(8);
    expect(last).toMatchObject({ done: true, done_reason: 'stop' });
  },

  async 'tools loop'(server) {
    const { message } = await client(server).chat({ model: 'judged', messages: [hello], tools });
    expect(message.tool_calls?.[0]?.function).toMatchObject({ name: 'get_weather', arguments: { city: 'Vienna' } });
    const result = { role: 'tool', content: 'sun in Vienna', tool_name: 'get_weather' };
    const { message: end } = await client(server).chat({ model: 'judged', messages: [hello, message, result], tools });
    expect(end.content).toBe('The tool says sun in Vienna.');
  },

  async json_schema(server) {
    const { message } = await client(server).chat({ model: 'judged', messages: [hello], format: person });
    expect(JSON.parse(message.content)).toEqual({ name: 'Ada', age: 36 });
  },

  async embeddings(server) {
    const { embeddings } = await client(server).embed({ model: 'judged', input: ['one', 'three'] });
    expect(embeddings).toEqual([
      [3, 0.5, -1.25],
      [5, 0.5, -1.25],
    ]);
  },

  async abort(server) {
    await leaves(server, async () => {
      const stream = await client(server).chat({ model: 'judged', messages: [waiting], stream: true });
      await expect(
        (async () => {
          for await (const _part of stream) stream.abort();
        })(),
      ).rejects.toMatchObject({ name: 'AbortError' });
    });
  },

  async errors(server) {
    const ask = (model: string, token?: string): Promise<unknown> => client(server, token).chat({ model, messages: [hello] });
    await expect(ask('judged', 'wrong-token-of-nobody')).rejects.toMatchObject({ name: 'ResponseError', status_code: 401 });
    await expect(ask('limited')).rejects.toMatchObject({ name: 'ResponseError', status_code: 429 });
    await expect(ask('absent')).rejects.toMatchObject({ name: 'ResponseError', status_code: 404 });
    await expect(ask('refusing')).rejects.toMatchObject({ name: 'ResponseError', status_code: 400 });
  },
};
