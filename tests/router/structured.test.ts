import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { ChatAnswer, ChatRequest } from '../../src/core/types.ts';
import { after, type Outcome } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeRouter, fakeRouter, outcomeOf } from '../_kit/fake-router.ts';

const weather = z.object({ city: z.string(), high: z.number() });
const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Weather?' }], response_format: weather };
const good = '{"city":"Paris","high":21}';

function answering(...texts: Outcome[]): FakeRouter<'gpu'> {
  return fakeRouter({ gpu: { does: texts, fake: { capabilities: { jsonSchema: true } } } });
}

/** A provider whose answers have more to them than text. */
function answeringWith(choice: Partial<ChatAnswer['choices'][number]>): FakeRouter<'gpu'> {
  const answer: ChatAnswer = {
    id: 'a',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: good }, finish_reason: 'stop', ...choice }],
  };
  const adapter = { capabilities: { jsonSchema: true }, chat: async () => answer } as object;
  return fakeRouter({ gpu: { does: 'unused', fake: adapter } });
}

const bodyOf = ({ fakes }: FakeRouter<'gpu'>, call = 0): ChatRequest => fakes.gpu.calls[call]?.request as ChatRequest;

describe('a schema as response_format', () => {
  test('the answer comes as a value, with the type of the schema', async () => {
    const { router } = answering(good);
    const answer = await router.chat(request);
    expect(answer.parsed).toEqual({ city: 'Paris', high: 21 });
    expect(answer.repaired).toBe(false);
    expect(answer.route.provider).toBe('gpu');
    expectTypeOf(answer.parsed).toEqualTypeOf<{ city: string; high: number }>();
  });

  test('the provider gets a closed JSON Schema, strict where it can be', async () => {
    const made = answering(good);
    await made.router.chat(request);
    expect(bodyOf(made).response_format).toEqual({
      type: 'json_schema',
      json_schema: {
        name: 'answer',
        strict: true,
        schema: {
          type: 'object',
          properties: { city: { type: 'string' }, high: { type: 'number' } },
          required: ['city', 'high'],
          additionalProperties: false,
        },
      },
    });
  });

  test('strict is not claimed where a property may be missing', async () => {
    const made = answering('{}');
    await made.router.chat({ ...request, response_format: z.object({ city: z.string().optional() }) });
    expect(JSON.stringify(bodyOf(made).response_format)).not.toContain('strict');
  });

  test('what the schema makes of the answer is what is given', async () => {
    const { router } = answering('{"at":"2026-11-21"}');
    const dated = z.object({ at: z.string().transform((text) => text.length) });
    expect((await router.chat({ ...request, response_format: dated })).parsed).toEqual({ at: 10 });
  });

  test('a fence around the JSON is no part of it', async () => {
    const { router } = answering(`\`\`\`json\n${good}\n\`\`\``);
    expect((await router.chat(request)).parsed.city).toBe('Paris');
  });

  test('a provider without structured output is no candidate', async () => {
    const { router } = fakeRouter({ gpu: good });
    expect(await failureOf(router.chat(request))).toMatchObject({ code: 'no_provider' });
  });

  test.each(['tools', 'tool_choice', 'n'])('%s beside it is refused before anything is sent', async (name) => {
    const made = answering(good);
    expect(await failureOf(made.router.chat({ ...request, [name]: 1 } as typeof request))).toMatchObject({ code: 'invalid_request' });
    expect(made.fakes.gpu.calls).toHaveLength(0);
  });

  test('tools that are undefined are none', async () => {
    const { router } = answering(good);
    expect((await router.chat({ ...request, tools: undefined } as typeof request)).parsed.city).toBe('Paris');
  });

  test('a schema of a library that tells no JSON Schema yet is refused, and not sent as it is', async () => {
    const made = answering(good);
    const old = { '~standard': { version: 1, vendor: 'zod', validate: (value: unknown) => ({ value }) } } as unknown as typeof weather;
    expect(await failureOf(made.router.chat({ ...request, response_format: old }))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('zod 4.2') as string,
    });
    expect(made.fakes.gpu.calls).toHaveLength(0);
  });

  test('a stream says that it takes none', async () => {
    const made = answering(good);
    const failure = await failureOf(made.router.stream(request as unknown as ChatRequest));
    expect(failure).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('is for chat()') as string });
    expect(made.fakes.gpu.calls).toHaveLength(0);
  });

  test('explain() plans it', () => {
    const { router } = fakeRouter({ cpu: 'no', gpu: { does: good, fake: { capabilities: { jsonSchema: true } } } });
    expect(router.explain(request).candidates.map(({ provider }) => provider)).toEqual(['gpu']);
  });

  test('a schema that JSON cannot hold is refused', async () => {
    const { router } = answering(good);
    const odd = { ...request, response_format: z.object({ at: z.date() }) };
    expect(await failureOf(router.chat(odd))).toMatchObject({ code: 'invalid_request' });
  });
});

describe('an answer that does not fit', () => {
  test('rejects with the place, and not with what stands there', async () => {
    const { router } = answering('{"city":"top secret","high":"hot secret"}');
    const error = await failureOf(router.chat(request));
    expect(error).toMatchObject({ code: 'bad_response', message: 'gpu: the answer does not fit the schema at high.' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('keys that the model made up are not repeated', async () => {
    const { router } = answering('{"my prompt: «x»":1}');
    const open = z.record(z.string(), z.string());
    expect(await failureOf(router.chat({ ...request, response_format: open }))).toMatchObject({
      message: 'gpu: the answer does not fit the schema at an unknown place.',
    });
  });

  test('is not asked for again unless that is wanted', async () => {
    const made = answering('not JSON', good);
    expect(await failureOf(made.router.chat(request))).toMatchObject({ code: 'bad_response' });
    expect(made.fakes.gpu.calls).toHaveLength(1);
  });

  test('an answer that was cut short says so', async () => {
    const { router } = answeringWith({ finish_reason: 'length' });
    expect(await failureOf(router.chat(request))).toMatchObject({ message: 'gpu: the answer does not fit the schema at its end.' });
  });

  test('a refusal is a refusal', async () => {
    const { router } = answeringWith({ message: { role: 'assistant', content: null, refusal: 'No.' } });
    expect(await failureOf(router.chat(request))).toMatchObject({ code: 'content_filtered' });
  });
});

describe('repair', () => {
  test('sends the answer back once, with what is wrong', async () => {
    const made = answering('{"city":5,"high":21}', good);
    const answer = await made.router.chat(request, { repair: true });
    expect(answer.parsed.city).toBe('Paris');
    expect(answer.repaired).toBe(true);
    const [, wrong, correction] = bodyOf(made, 1).messages;
    expect(wrong).toEqual({ role: 'assistant', content: '{"city":5,"high":21}' });
    expect(correction?.role).toBe('user');
    expect(correction?.content).toContain('city');
  });

  test('the usage counts both tries', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
    const texts = ['no', good];
    const chat = async (): Promise<ChatAnswer> => ({
      id: 'a',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: texts.shift() ?? '' }, finish_reason: 'stop' }],
      usage,
    });
    const { router } = fakeRouter({ gpu: { does: 'unused', fake: { capabilities: { jsonSchema: true }, chat } as object } });
    const answer = await router.chat(request, { repair: true });
    expect(answer.usage).toEqual({ prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 });
  });

  test('has no usage where one of the tries has none', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
    const answers = [{ content: 'no' }, { content: good, usage }];
    const chat = async (): Promise<ChatAnswer> => {
      const { content = '', ...more } = answers.shift() ?? {};
      const choices: ChatAnswer['choices'] = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
      return { id: 'a', object: 'chat.completion', created: 1, model: 'm', choices, ...more };
    };
    const { router } = fakeRouter({ gpu: { does: 'unused', fake: { capabilities: { jsonSchema: true }, chat } as object } });
    expect(await router.chat(request, { repair: true })).not.toHaveProperty('usage');
  });

  test('asks about the request as it was, whatever its caller has made of it since', async () => {
    const made = answering('no', good);
    const messages = [{ role: 'user' as const, content: 'Weather?' }];
    const answer = made.router.chat({ ...request, messages }, { repair: true });
    Object.assign(messages[0] ?? {}, { content: 'changed' });
    messages.push({ role: 'user', content: 'late' });
    await answer;
    expect(bodyOf(made, 1).messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(bodyOf(made, 1).messages[0]?.content).toBe('Weather?');
  });

  test('an answer that fits is not sent back', async () => {
    const made = answering(good);
    expect((await made.router.chat(request, { repair: true })).repaired).toBe(false);
    expect(made.fakes.gpu.calls).toHaveLength(1);
  });

  test('happens once at most', async () => {
    const made = answering('no', 'still no', good);
    expect(await failureOf(made.router.chat(request, { repair: true }))).toMatchObject({ code: 'bad_response' });
    expect(made.fakes.gpu.calls).toHaveLength(2);
  });

  test('both tries share one deadline', async () => {
    const { router, clock } = answering(after(600, 'no'), after(600, good));
    const outcome = outcomeOf(router.chat(request, { repair: true, deadlineMs: 1_000 }));
    await clock.advance(1_100);
    expect(outcome.error).toMatchObject({ code: 'timeout', phase: 'deadline' });
  });
});
