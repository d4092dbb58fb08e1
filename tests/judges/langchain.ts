import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { HumanMessage, type ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { expect } from 'vitest';
import { z } from 'zod';
import { judgedToken, type JudgedServer, person, sentence } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, model = 'judged', apiKey = judgedToken): ChatOpenAI =>
  new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${url}/v1` } });
const getWeather = tool(async ({ city }) => `sun in ${city}`, {
  name: 'get_weather',
  description: 'How it is there.',
  schema: z.object({ city: z.string() }),
});

export const langchain: Judge = {
  async chat(server) {
    const answer = await client(server).invoke('Say it.');
    expect(answer.text).toBe(sentence);
    expect(answer.response_metadata['usage']).toMatchObject({ total_tokens: 16 });
  },

  async stream(server) {
    const pieces = [];
    for await (const { text } of await client(server).stream('Say it.')) pieces.push(text);
    expect(pieces.join('')).toBe(sentence);
    expect(pieces.length).toBeGreaterThan(8);
  },

  async 'tools loop'(server) {
    const model = client(server).bindTools([getWeather]);
    const question = new HumanMessage('Say it.');
    const answer = await model.invoke([question]);
    const [call] = answer.tool_calls ?? [];
    expect(call).toMatchObject({ name: 'get_weather', args: { city: 'Vienna' } });
    const result: ToolMessage = await getWeather.invoke({ ...call, name: 'get_weather', args: { city: 'Vienna' }, type: 'tool_call' });
    expect((await model.invoke([question, answer, result])).text).toBe('The tool says sun in Vienna.');
  },

  async json_schema(server) {
    const structured = client(server).withStructuredOutput(person, { name: 'person', method: 'jsonSchema', strict: true });
    expect(await structured.invoke('Say it.')).toEqual({ name: 'Ada', age: 36 });
  },

  async embeddings(server) {
    const configuration = { baseURL: `${server.url}/v1` };
    const embedder = new OpenAIEmbeddings({ model: 'judged', apiKey: judgedToken, maxRetries: 0, configuration });
    expect(await embedder.embedDocuments(['one', 'three'])).toEqual([
      [3, 0.5, -1.25],
      [5, 0.5, -1.25],
    ]);
  },

  async abort(server) {
    await leaves(server, async () => {
      const controller = new AbortController();
      const read = async (): Promise<void> => {
        const stream = await client(server).stream('Say it and never end.', { signal: controller.signal });
        for await (const _piece of stream) controller.abort();
      };
      await expect(read()).rejects.toThrow(/abort/i);
    });
  },

  async errors(server) {
    const ask = (model: string, key?: string): Promise<unknown> => client(server, model, key).invoke('Say it.');
    await expect(ask('judged', 'wrong-token-of-nobody')).rejects.toMatchObject({ status: 401, lc_error_code: 'MODEL_AUTHENTICATION' });
    await expect(ask('limited')).rejects.toMatchObject({ status: 429, lc_error_code: 'MODEL_RATE_LIMIT' });
    await expect(ask('absent')).rejects.toMatchObject({ status: 404, lc_error_code: 'MODEL_NOT_FOUND' });
    await expect(ask('refusing')).rejects.toMatchObject({ status: 400 });
  },
};
