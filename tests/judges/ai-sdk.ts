import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { expect } from 'vitest';
import { judgedToken, type JudgedServer, person, sentence, weather } from './judged-server.ts';
import type { Judge } from './judges.ts';
import { leaves } from './leaves.ts';

const client = ({ url }: JudgedServer, apiKey = judgedToken) =>
  createOpenAICompatible({ name: 'judged', baseURL: `${url}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const prompt = 'Say it.';
const tools = {
  get_weather: tool({
    description: 'How it is there.',
    inputSchema: jsonSchema<{ city: string }>({ ...weather, required: ['city'] }),
    execute: async ({ city }) => `sun in ${city}`,
  }),
};

export const aiSdk: Judge = {
  async chat(server) {
    const { text, finishReason, usage } = await generateText({ model: client(server)('judged'), prompt, maxRetries: 0 });
    expect({ text, finishReason }).toEqual({ text: sentence, finishReason: 'stop' });
    expect(usage.totalTokens).toBe(16);
  },

  async stream(server) {
    const { textStream, usage } = streamText({ model: client(server)('judged'), prompt, maxRetries: 0 });
    const pieces = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces.join('')).toBe(sentence);
    expect(pieces.length).toBeGreaterThan(7);
    expect((await usage).totalTokens).toBe(16);
  },

  async 'tools loop'(server) {
    const options = { model: client(server)('judged'), prompt, tools, stopWhen: stepCountIs(3), maxRetries: 0 };
    expect((await generateText(options)).text).toContain('sun in Vienna');
    expect(await streamText(options).text).toContain('sun in Vienna');
  },

  async json_schema(server) {
    const output = Output.object({ schema: jsonSchema<{ name: string; age: number }>({ ...person, required: ['name', 'age'] }) });
    const answer = await generateText({ model: client(server)('judged'), prompt, output, maxRetries: 0 });
    expect(answer.output).toEqual({ name: 'Ada', age: 36 });
  },

  async embeddings(server) {
    const { embeddings } = await embedMany({ model: client(server).embeddingModel('judged'), values: ['one', 'three'], maxRetries: 0 });
    expect(embeddings).toEqual([
      [3, 0.5, -1.25],
      [5, 0.5, -1.25],
    ]);
  },

  async abort(server) {
    await leaves(server, async () => {
      const controller = new AbortController();
      const options = { model: client(server)('judged'), prompt: 'Say it and never end.', maxRetries: 0, abortSignal: controller.signal };
      const { textStream } = streamText({ ...options, onError: () => undefined });
      for await (const _piece of textStream) controller.abort();
    });
  },

  async errors(server) {
    const ask = (model: string, key?: string): Promise<unknown> =>
      generateText({ model: client(server, key)(model), prompt, maxRetries: 0 });
    for (const [model, statusCode, isRetryable] of [
      ['limited', 429, true],
      ['absent', 404, false],
      ['refusing', 400, false],
      ['broken-for-ai-sdk', 502, true],
    ] as const) {
      const error: unknown = await ask(model).catch((thrown: unknown) => thrown);
      expect(APICallError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ statusCode, isRetryable });
    }
    await expect(ask('judged', 'wrong-token-of-nobody')).rejects.toMatchObject({ statusCode: 401 });
  },
};
