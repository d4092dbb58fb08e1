import Anthropic, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk';
import { expect } from 'vitest';
import { judgedToken, type JudgedServer, person, sentence, weather } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, apiKey = judgedToken): Anthropic => new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });
const hello = [{ role: 'user' as const, content: 'Say it.' }];
const waiting = [{ role: 'user' as const, content: 'Say it and never end.' }];
const base = { model: 'judged', max_tokens: 100 };
const tools = [{ name: 'get_weather', input_schema: { ...weather, required: ['city'] } }];

export const anthropic: Judge = {
  async chat(server) {
    const answer = await client(server).messages.create({ ...base, messages: hello });
    expect(answer.content).toEqual([expect.objectContaining({ type: 'text', text: sentence })]);
    expect(answer.stop_reason).toBe('end_turn');
    expect(answer.usage).toMatchObject({ input_tokens: 7, output_tokens: 9 });
  },

  async stream(server) {
    const stream = client(server).messages.stream({ ...base, messages: hello });
    let pieces = 0;
    stream.on('text', () => (pieces += 1));
    expect(await stream.finalText()).toBe(sentence);
    expect(pieces).toBeGreaterThan(7);
    expect((await stream.finalMessage()).usage.output_tokens).toBe(9);
  },

  async 'tools loop'(server) {
    const answer = await client(server).messages.create({ ...base, messages: hello, tools });
    const use = answer.content.find((block) => block.type === 'tool_use');
    expect(use).toMatchObject({ name: 'get_weather', input: { city: 'Vienna' } });
    expect(answer.stop_reason).toBe('tool_use');
    const result = { type: 'tool_result' as const, tool_use_id: use?.id ?? '', content: 'sun in Vienna' };
    const turns = [...hello, { role: 'assistant' as const, content: answer.content }, { role: 'user' as const, content: [result] }];
    const end = await client(server).messages.create({ ...base, messages: turns, tools });
    expect(end.content).toEqual([expect.objectContaining({ type: 'text', text: 'The tool says sun in Vienna.' })]);
    const streamed = await client(server)
      .messages.stream({ ...base, messages: hello, tools })
      .finalMessage();
    expect(streamed.content.find((block) => block.type === 'tool_use')?.input).toEqual({ city: 'Vienna' });
  },

  async json_schema(server) {
    const format = { type: 'json_schema' as const, schema: { ...person, required: [...person.required] } };
    const answer = await client(server).messages.create({ ...base, messages: hello, output_config: { format } });
    const [block] = answer.content;
    expect(block?.type === 'text' ? (JSON.parse(block.text) as unknown) : undefined).toEqual({ name: 'Ada', age: 36 });
  },

  async abort(server) {
    await leaves(server, async () => {
      const stream = client(server).messages.stream({ ...base, messages: waiting });
      stream.on('text', () => stream.abort());
      await expect(stream.done()).rejects.toBeInstanceOf(APIUserAbortError);
    });
  },

  async errors(server) {
    const ask = (model: string, more = {}, key?: string): Promise<unknown> =>
      client(server, key).messages.create({ ...base, model, messages: hello, ...more });
    await expect(ask('judged', {}, 'wrong-token-of-nobody')).rejects.toBeInstanceOf(AuthenticationError);
    await expect(ask('limited')).rejects.toBeInstanceOf(RateLimitError);
    await expect(ask('absent')).rejects.toBeInstanceOf(NotFoundError);
    await expect(ask('refusing')).rejects.toBeInstanceOf(BadRequestError);
    await expect(ask('broken-for-anthropic')).rejects.toBeInstanceOf(InternalServerError);
    await expect(ask('judged', { temperature: 'hot' })).rejects.toBeInstanceOf(BadRequestError);
  },
};
