import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool, ToolLoopAgent } from 'ai';
import { isRouterError } from 'inferlane';
import { createInferlane } from 'inferlane/ai-sdk';
import {
  createTestRouter,
  cutAfter,
  fakeBackend,
  outOfMemory,
  reply,
  type Script,
  serverError,
  stallAfter,
  stallBeforeHeaders,
  toolCall,
  when,
} from 'inferlane/testing';
import { describe, expect, test } from 'vitest';

// The AI SDK itself over two servers, of which the first fails.

async function twoServers(first: Script, second: Script) {
  const gpu = await fakeBackend('ollama', first).listen();
  const cpu = await fakeBackend('llamacpp', second).listen();
  const made = createTestRouter({
    providers: {
      gpu: { type: 'ollama', url: gpu.url, defaultModel: 'llama3.1', priority: 1 },
      cpu: { type: 'llamacpp', url: cpu.url, defaultModel: 'llama3.1', priority: 2 },
    },
  });
  return {
    gpu,
    cpu,
    ...made,
    inferlane: createInferlane(made.router),
    async [Symbol.asyncDispose]() {
      await made.close();
      await gpu.close();
      await cpu.close();
    },
  };
}

const prompt = 'Say it.';
const silent = { onError: () => undefined };
const tools = {
  weather: tool({
    inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }),
    execute: async ({ city }) => `sun in ${city}`,
  }),
};
const hasResult = (call: { readonly body: unknown }): boolean => JSON.stringify(call.body).includes('sun in Vienna');

/** One call of a tool, then an answer that repeats what the tool said. */
const weatherScript: Script = [when({ where: hasResult }, reply('The tool says sun in Vienna.')), toolCall('weather', { city: 'Vienna' })];

async function partsOf(stream: AsyncIterable<{ readonly type: string }>): Promise<{ readonly type: string }[]> {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe('generateText', () => {
  test('answers from the CPU where the GPU is full, and tells who answered and who was tried', async () => {
    await using servers = await twoServers(outOfMemory(), reply('Hello.', { usage: { promptTokens: 9, completionTokens: 4 } }));
    const { text, finishReason, usage, providerMetadata, response, warnings } = await generateText({ model: servers.inferlane(), prompt });
    expect({ text, finishReason, warnings }).toEqual({ text: 'Hello.', finishReason: 'stop', warnings: [] });
    expect(usage).toMatchObject({ inputTokens: 9, outputTokens: 4, totalTokens: 13 });
    expect(response.modelId).toBe('llama3.1');
    expect(providerMetadata?.['inferlane']).toMatchObject({
      route: {
        provider: 'cpu',
        model: 'llama3.1',
        degraded: false,
        attempts: [{ provider: 'gpu', error: { code: 'out_of_memory' } }, { provider: 'cpu' }],
      },
    });
  });

  test('runs tools in several steps, and every step may come from another server', async () => {
    await using servers = await twoServers(
      [when({ where: hasResult }, outOfMemory()), toolCall('weather', { city: 'Vienna' })],
      weatherScript,
    );
    const { text, steps } = await generateText({ model: servers.inferlane('llama3.1'), prompt, tools, stopWhen: stepCountIs(3) });
    expect(text).toBe('The tool says sun in Vienna.');
    expect(steps.map(({ providerMetadata }) => providerMetadata?.['inferlane']?.['route'])).toMatchObject([
      { provider: 'gpu' },
      { provider: 'cpu' },
    ]);
  });

  test('gives objects by their schema, from whichever server can hold to it', async () => {
    await using servers = await twoServers(serverError(), reply('{"name":"Ada"}'));
    const schema = jsonSchema<{ name: string }>({ type: 'object', properties: { name: { type: 'string' } }, required: ['name'] });
    const { output } = await generateText({ model: servers.inferlane(), prompt, output: Output.object({ schema }) });
    expect(output).toEqual({ name: 'Ada' });
    expect(JSON.stringify(servers.cpu.calls[0]?.body)).toContain('json_schema');
  });

  test('does not multiply attempts: its own retries never begin', async () => {
    await using servers = await twoServers(serverError(), serverError());
    const failed: unknown = await servers.clock.run(generateText({ model: servers.inferlane(), prompt }).catch((error: unknown) => error));
    const alone = servers.gpu.calls.length + servers.cpu.calls.length;
    expect(APICallError.isInstance(failed) && isRouterError(failed.cause, 'all_failed')).toBe(true);
    expect(failed).toMatchObject({ statusCode: 502, isRetryable: false });
    // As many as the router makes by itself.
    expect(alone).toBeLessThanOrEqual(3);
  });

  test("an abort rejects with the caller's own reason, and the server sees the connection close", async () => {
    await using servers = await twoServers(stallBeforeHeaders(), reply());
    const controller = new AbortController();
    const reason = new Error('I have changed my mind.');
    const failed = generateText({ model: servers.inferlane(), prompt, abortSignal: controller.signal }).catch((error: unknown) => error);
    await expect.poll(() => servers.gpu.calls.length).toBe(1);
    controller.abort(reason);
    expect(await failed).toBe(reason);
    await expect.poll(() => servers.gpu.aborted).toBe(1);
    expect(servers.cpu.calls).toEqual([]);
  });
});

describe('streamText', () => {
  test('tells its parts in order: thoughts, text, the call of a tool, the end', async () => {
    const step = toolCall(
      'weather',
      { city: 'Vienna' },
      { reasoning: 'Hm.', text: 'One moment.', usage: { promptTokens: 9, completionTokens: 4 } },
    );
    await using servers = await twoServers(outOfMemory(), step);
    const { fullStream } = streamText({ model: servers.inferlane(), prompt, tools, stopWhen: stepCountIs(1), ...silent });
    const types = (await partsOf(fullStream)).map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    expect(types).toEqual([
      'start',
      'start-step',
      'reasoning-start',
      'reasoning-delta',
      'reasoning-end',
      'text-start',
      'text-delta',
      'text-end',
      'tool-input-start',
      'tool-input-delta',
      'tool-input-end',
      'tool-call',
      'tool-result',
      'finish-step',
      'finish',
    ]);
  });

  test('moves on in silence as long as nothing was given out', async () => {
    for (const failure of [outOfMemory(), cutAfter(0), serverError()]) {
      await using servers = await twoServers(failure, reply('Hello from the other one.'));
      const result = streamText({ model: servers.inferlane(), prompt, ...silent });
      expect(await servers.clock.run(Promise.resolve(result.text))).toBe('Hello from the other one.');
      expect((await result.providerMetadata)?.['inferlane']).toMatchObject({ route: { provider: 'cpu' } });
    }
  });

  test('a server that hangs is given up, and the next one answers', async () => {
    await using servers = await twoServers(stallBeforeHeaders(), reply('Hello from the other one.'));
    const { text } = streamText({ model: servers.inferlane(), prompt, ...silent });
    expect(await servers.clock.run(Promise.resolve(text))).toBe('Hello from the other one.');
    expect(servers.gpu.calls).toHaveLength(1);
  });

  test.each<[string, Script]>([
    ['breaks off', cutAfter(2, 'rst', reply('One two three four.'))],
    ['falls silent', stallAfter(2, reply('One two three four.'))],
  ])('one that %s after content ends with an error behind the text that came, and no other server speaks', async (_how, script) => {
    await using servers = await twoServers(script, reply('Five six.'));
    const errors: unknown[] = [];
    const { fullStream } = streamText({ model: servers.inferlane(), prompt, onError: ({ error }) => void errors.push(error) });
    const parts = await servers.clock.run(partsOf(fullStream));
    const text = parts.map((part) => ('text' in part ? String(part.text) : '')).join('');
    expect(text).toBe('One two ');
    expect(errors).toHaveLength(1);
    expect((errors[0] as APICallError).cause).toMatchObject({ code: 'stream_interrupted' });
    expect(parts.map(({ type }) => type).slice(-4)).toEqual(['error', 'text-end', 'finish-step', 'finish']);
    expect(servers.gpu.calls.length + servers.cpu.calls.length).toBe(1);
  });

  test('half of the call of a tool is never carried out', async () => {
    let runs = 0;
    const counting = { weather: tool({ ...tools.weather, execute: async () => String(runs++) }) };
    const script = cutAfter(
      3,
      'rst',
      toolCall('weather', { city: 'Vienna, where the sun shines on most days of the summer' }, { text: 'One two ' }),
    );
    await using servers = await twoServers(script, reply('Never.'));
    const { fullStream } = streamText({ model: servers.inferlane(), prompt, tools: counting, ...silent });
    const types = (await servers.clock.run(partsOf(fullStream))).map(({ type }) => type);
    expect(types).toContain('error');
    expect(types).not.toContain('tool-call');
    expect(runs).toBe(0);
  });

  test('an abort in the middle ends the stream as aborted, and the server sees it', async () => {
    await using servers = await twoServers(stallAfter(1), reply());
    const controller = new AbortController();
    const { fullStream } = streamText({ model: servers.inferlane(), prompt, abortSignal: controller.signal, ...silent });
    const types: string[] = [];
    for await (const { type } of fullStream) {
      types.push(type);
      if (type === 'text-delta') controller.abort();
    }
    expect(types.at(-1)).toBe('abort');
    await expect.poll(() => servers.gpu.aborted).toBe(1);
  });
});

describe('around them', () => {
  test('an agent goes on while one of its servers dies between two steps', async () => {
    await using servers = await twoServers([toolCall('weather', { city: 'Vienna' }), serverError()], weatherScript);
    const agent = new ToolLoopAgent({ model: servers.inferlane(), tools });
    expect((await servers.clock.run(agent.generate({ prompt }))).text).toBe('The tool says sun in Vienna.');
    expect(servers.cpu.calls).toHaveLength(1);
  });

  test('the answer for useChat is a stream of UI messages, and errors in it are masked as the AI SDK masks them', async () => {
    await using servers = await twoServers(outOfMemory(), [reply('Hello.'), cutAfter(1, 'rst', reply('One two three.'))]);
    const ask = () =>
      streamText({ model: servers.inferlane(), prompt, ...silent })
        .toUIMessageStreamResponse()
        .text();
    const [whole, broken] = [await ask(), await ask()];
    expect(whole).toContain('"type":"text-delta"');
    expect(whole.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(broken).toContain('"type":"error","errorText":"An error occurred."');
  });
});
