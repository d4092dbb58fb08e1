import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { expect } from 'vitest';
import { judgedToken, type JudgedServer, person, sentence, weather } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, apiKey = judgedToken): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
const hello = [{ role: 'user' as const, content: 'Say it.' }];
const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: weather } }];

export const openai: Judge = {
  async chat(server) {
    const answer = await client(server).chat.completions.create({ model: 'judged', messages: hello });
    expect(answer.choices[0]?.message.content).toBe(sentence);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage?.total_tokens).toBe(16);
  },

  async stream(server) {
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    const stream = await client(server).chat.completions.create({ model: 'judged', messages: hello, ...options });
    let text = '';
    let pieces = 0;
    let total: number | undefined;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      pieces += 1;
      total = usage?.total_tokens ?? total;
    }
    expect(text).toBe(sentence);
    expect(pieces).toBeGreaterThan(8);
    expect(total).toBe(16);
  },

  async 'tools loop'(server) {
    const runner = client(server).chat.completions.runTools({
      model: 'judged',
      messages: hello,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'How it is there.',
            parameters: weather,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => `sun in ${city}`,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('The tool says sun in Vienna.');
    const streamed = client(server).chat.completions.stream({ model: 'judged', messages: hello, tools });
    const [call] = (await streamed.finalMessage()).tool_calls ?? [];
    expect(call).toMatchObject({ id: 'call_1', function: { name: 'get_weather', arguments: '{"city":"Vienna"}' } });
  },

  async json_schema(server) {
    const answer = await client(server).chat.completions.parse({
      model: 'judged',
      messages: hello,
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: person } },
    });
    expect(answer.choices[0]?.message.parsed).toEqual({ name: 'Ada', age: 36 });
  },

  async embeddings(server) {
    // The client asks for base64 and decodes it, unless it is told otherwise.
    const input = ['one', 'three'];
    const encoded = await client(server).embeddings.create({ model: 'judged', input });
    expect(encoded.data.map(({ embedding }) => embedding)).toEqual([
      [3, 0.5, -1.25],
      [5, 0.5, -1.25],
    ]);
    const floats = await client(server).embeddings.create({ model: 'judged', input: 'one', encoding_format: 'float' });
    expect(floats.data[0]?.embedding).toEqual([3, 0.5, -1.25]);
  },

  async abort(server) {
    const waiting = [{ role: 'user' as const, content: 'Say it and never end.' }];
    await leaves(server, async () => {
      const stream = await client(server).chat.completions.create({ model: 'judged', messages: waiting, stream: true });
      for await (const _chunk of stream) stream.controller.abort();
    });
    await leaves(server, async () => {
      const controller = new AbortController();
      const asked = client(server).chat.completions.create({ model: 'judged', messages: waiting }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 50);
      await expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    });
  },

  async errors(server) {
    const ask = (model: string, more = {}, key?: string): Promise<unknown> =>
      client(server, key).chat.completions.create({ model, messages: hello, ...more });
    await expect(ask('judged', {}, 'wrong-token-of-nobody')).rejects.toBeInstanceOf(AuthenticationError);
    await expect(ask('limited')).rejects.toBeInstanceOf(RateLimitError);
    await expect(ask('absent')).rejects.toBeInstanceOf(NotFoundError);
    await expect(ask('refusing')).rejects.toBeInstanceOf(BadRequestError);
    await expect(ask('broken-for-openai')).rejects.toBeInstanceOf(InternalServerError);
    await expect(ask('judged', { temperature: 'hot' })).rejects.toMatchObject({ status: 400, param: 'temperature' });
    await expect(client(server).models.retrieve('nobody/none')).rejects.toBeInstanceOf(NotFoundError);
    const ids = [];
    for await (const { id } of client(server).models.list()) ids.push(id);
    expect(ids).toContain('judged');
  },
};
