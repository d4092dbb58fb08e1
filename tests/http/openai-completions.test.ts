import { describe, expect, test } from 'vitest';
import { pieces, fault, role } from '../_kit/fake-adapter.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { answerOf, ask, askStream, chunk, expectRefusal, faultsIn, handle, said, secret, serve } from './openai-asked.ts';

const path = '/v1/completions';
const body = { model: 'm', prompt: 'Once' };
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

/** The document says that chunks have the shape of whole answers, where it knows no reason that is still to come. */
const faults = (frames: readonly Record<string, unknown>[]): readonly string[] =>
  frames.flatMap(({ usage: told, choices, ...frame }) => {
    const ended = (choices as readonly { readonly finish_reason: string | null }[]).map((choice) => ({
      ...choice,
      finish_reason: choice.finish_reason ?? 'stop',
    }));
    return faultsIn('CreateCompletionResponse', { ...frame, choices: ended, ...(told !== null && { usage: told }) });
  });

describe('a completion', () => {
  test.each(['Once', ['Once']])('is a chat with the prompt %j as its message', async (prompt) => {
    const { handler, asked } = serve({});
    const shared = { temperature: 0.5, top_p: 0.5, n: 2, stop: ['.'], max_tokens: 9, presence_penalty: 1, frequency_penalty: 1 };
    const more = { seed: 3, logit_bias: { '1': 2 }, user: 'u' };
    const idle = { best_of: 1, echo: false, suffix: '', stream: false };
    expect((await ask(handler, path, { ...body, prompt, ...shared, ...more, ...idle, logprobs: null })).status).toBe(200);
    expect(JSON.parse(JSON.stringify(asked))).toEqual([{ model: 'm', messages: [{ role: 'user', content: 'Once' }], ...shared, ...more }]);
  });

  test("has OpenAI's shape, and neither a role nor thoughts", async () => {
    const message = { role: 'assistant' as const, content: ' upon', reasoning_content: 'Hm.' };
    const refused = { role: 'assistant' as const, content: null, refusal: 'No.' };
    const choices = [
      { index: 0, message, finish_reason: 'length' as const },
      { index: 1, message: refused, finish_reason: 'unknown' as const },
    ];
    const { handler } = serve({ chat: { ...answerOf(''), choices, usage, system_fingerprint: 'fp' } });
    const { json, headers } = await ask(handler, path, body);
    expect(json).toEqual({
      id: 'a',
      object: 'text_completion',
      created: 5,
      model: 'm',
      system_fingerprint: 'fp',
      choices: [
        { index: 0, text: ' upon', logprobs: null, finish_reason: 'length' },
        { index: 1, text: 'No.', logprobs: null, finish_reason: 'stop' },
      ],
      usage,
    });
    expect(faultsIn('CreateCompletionResponse', json)).toEqual([]);
    expect(headers.get('x-inferlane-provider')).toBe('gpu');
  });

  test('streams texts, without the chunks that hold none, and counts where they are asked for', async () => {
    const chunks = [
      chunk({ choices: [{ delta: { role: 'assistant', content: '' } }] }),
      chunk({ choices: [{ delta: { reasoning_content: 'Hm.' } }] }),
      said(' upon'),
      chunk({ choices: [{ delta: { content: ' a' }, finish_reason: 'tool_calls' }] }),
      chunk({ usage }),
    ];
    const { handler } = serve({ chunks });
    const { frames, isDone } = await askStream(handler, path, { ...body, stream_options: { include_usage: true } });
    const head = { id: 'a', object: 'text_completion', created: 5, model: 'm' };
    expect(frames).toEqual([
      { ...head, choices: [{ index: 0, text: ' upon', logprobs: null, finish_reason: null }], usage: null },
      { ...head, choices: [{ index: 0, text: ' a', logprobs: null, finish_reason: 'stop' }], usage: null },
      { ...head, choices: [], usage },
    ]);
    expect([isDone, faults(frames)]).toEqual([true, []]);
    expect((await askStream(handler, path, body)).frames.map((frame) => 'usage' in frame)).toEqual([false, false]);
  });

  test('that breaks midway says so in its last frame', async () => {
    const { router } = fakeRouter({ gpu: pieces(role, 'Hel', fault('unavailable')) });
    const { frames, isDone } = await askStream(handle(router).handler, path, body);
    expect(isDone).toBe(false);
    expect(frames).toMatchObject([{ choices: [{ text: 'Hel' }] }, { error: { code: 'stream_interrupted' } }]);
  });
});

describe('a completion is refused', () => {
  test.each<[param: string, value: unknown]>([
    ['best_of', 2],
    ['echo', true],
    ['suffix', secret],
    ['logprobs', 0],
  ])('where %s is %j, which a chat cannot carry out', async (param, value) => {
    const message = expect.stringMatching(/^\S+ is not supported here/) as string;
    await expectRefusal(serve({}), path, { ...body, [param]: value }, { code: 'unsupported_parameter', param, message });
  });

  test.each<[what: string, prompt: unknown]>([
    ['several prompts', ['a', secret]],
    ['no prompt', []],
    ['tokens', [1, 2]],
    ['lists of tokens', [[1, 2]]],
    ['no text', { secret }],
    ['null', null],
    ['nothing', undefined],
  ])('with %s', async (_, prompt) => {
    const message = expect.stringMatching(/^prompt must be one text: /) as string;
    await expectRefusal(serve({}), path, { ...body, prompt }, { code: 'invalid_request', param: 'prompt', message });
  });

  test('with the messages of a chat, and with fields of chats', async () => {
    const code = 'unknown_parameter';
    await expectRefusal(serve({}), path, { ...body, messages: [] }, { code, param: 'messages' });
    await expectRefusal(serve({}), path, { ...body, tools: [] }, { code, param: 'tools' });
    await expectRefusal(serve({}), path, { ...body, temperature: secret }, { code: 'invalid_request', param: 'temperature' });
  });
});
