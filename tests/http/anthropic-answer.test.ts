import { describe, expect, test } from 'vitest';
import type { AccessEntry } from '../../src/http/handler-options.ts';
import { type ChatAnswer, type ChatChunk, type ErrorCode, RouterError } from '../../src/index.ts';
import { answer, chunk, counted, eventsOf, front, hello, refusalOf, streams, usage } from './anthropic-kit.ts';
import { messageShape } from './anthropic-shape.ts';

const call = (text: string, name = 'look') => ({ id: `call_${name}`, type: 'function' as const, function: { name, arguments: text } });
/** A piece of a call; one with a name begins it. */
const piece = (index: number, name: string | undefined, text: string): ChatChunk =>
  chunk({ tool_calls: [{ index, ...(name && { id: name }), function: { ...(name && { name }), arguments: text } }] });

const signed = { type: 'thinking' as const, thinking: 'Hm.', signature: 'c2ln' };
const redacted = { type: 'redacted_thinking' as const, data: 'eA==' };

async function told(does: ChatAnswer) {
  await using served = front(does);
  const response = await served.post(hello);
  if (response.status !== 200) throw new Error(await response.text());
  return messageShape.parse(await response.json());
}

async function events(...steps: readonly (ChatChunk | Error)[]) {
  await using served = front(streams(...steps));
  // Awaited here: what is returned unread would be cut by the closing of the router.
  return await eventsOf(await served.post({ ...hello, stream: true }));
}

/** A stream in short: a word for each event, and what it says. */
async function gist(...steps: readonly (ChatChunk | Error)[]): Promise<readonly string[]> {
  return (await events(...steps)).map((event) => {
    switch (event.type) {
      case 'content_block_start':
        return `${event.index} begins: ${JSON.stringify(event.content_block)}`;
      case 'content_block_delta':
        return `${event.index}: ${Object.values(event.delta)[1] as string}`;
      case 'content_block_stop':
        return `${event.index} ends`;
      case 'message_delta':
        return `stop: ${event.delta.stop_reason}`;
      default:
        return event.type;
    }
  });
}

const begins = {
  text: 'begins: {"type":"text","text":"","citations":null}',
  thinking: 'begins: {"type":"thinking","thinking":"","signature":""}',
  tool: (name: string) => `begins: {"type":"tool_use","id":"call_${name}","name":"${name}","input":{},"caller":{"type":"direct"}}`,
};

describe('an answer', () => {
  test('is a message, with the route in headers', async () => {
    await using served = front(answer({ content: 'Hi.' }, 'stop', usage));
    const response = await served.post(hello);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-inferlane-provider')).toBe('fake');
    expect(response.headers.get('x-inferlane-attempts')).toBe('1');
    expect(response.headers.get('request-id')).toBe(response.headers.get('x-inferlane-request-id'));
    expect(messageShape.parse(await response.json())).toMatchObject({
      id: 'msg_1',
      model: 'tiny',
      content: [{ type: 'text', text: 'Hi.' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } },
    });
  });

  test('has counts of 0 where the server has not counted, and an id where it gave none', async () => {
    const message = await told({ ...answer({ content: 'Hi.' }), id: '' });
    expect(message.usage).toMatchObject({ input_tokens: 0, output_tokens: 0, cache_read_input_tokens: null, output_tokens_details: null });
    expect(message.id).toMatch(/^msg_[0-9a-f-]{36}$/);
  });

  test('holds thoughts, text and calls in this order', async () => {
    const message = await told(
      answer(
        { content: 'I look.', reasoning_content: 'Hm.', thinking_blocks: [signed, redacted], tool_calls: [call('{"at":1}')] },
        'tool_calls',
      ),
    );
    expect(message.content).toEqual([
      signed,
      redacted,
      { type: 'text', text: 'I look.', citations: null },
      { type: 'tool_use', id: 'call_look', name: 'look', input: { at: 1 }, caller: { type: 'direct' } },
    ]);
    expect(message.stop_reason).toBe('tool_use');
  });

  test('holds thoughts that nobody signed without a signature', async () => {
    const unsigned = { type: 'thinking', thinking: 'Hm.', signature: '' };
    expect((await told(answer({ content: 'a', reasoning_content: 'Hm.' }))).content[0]).toEqual(unsigned);
    const both = answer({ content: 'a', reasoning_content: 'Hm.', thinking_blocks: [redacted] });
    expect((await told(both)).content.slice(0, 2)).toEqual([unsigned, redacted]);
  });

  test('without any text has no content', async () => {
    expect((await told(answer({ content: '' }))).content).toEqual([]);
  });

  test.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
    ['unknown', 'end_turn'],
  ] as const)('that ended by %s stops for %s', async (reason, stop) => {
    expect(await told(answer({ content: 'a' }, reason))).toMatchObject({ stop_reason: stop, stop_details: null });
  });

  test.each(['stop', 'unknown', 'tool_calls'] as const)('that calls tools stops for them, where its server says %s', async (reason) => {
    expect((await told(answer({ tool_calls: [call('')] }, reason))).stop_reason).toBe('tool_use');
  });

  test('that refuses says so, and why', async () => {
    expect(await told(answer({ refusal: 'I must not.' }))).toMatchObject({
      content: [],
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: null, explanation: 'I must not.' },
    });
  });

  test('gives an id to a call that has none', async () => {
    const nameless = { ...call('{}'), id: '' };
    const { content } = await told(answer({ tool_calls: [nameless, nameless] }, 'tool_calls'));
    const ids = content.map((block) => (block.type === 'tool_use' ? block.id : ''));
    expect(ids).toEqual([expect.stringMatching(/^toolu_/), expect.stringMatching(/^toolu_/)]);
    expect(new Set(ids).size).toBe(2);
  });

  test('leaves out a call that the limit has cut off', async () => {
    const message = await told(answer({ content: 'a', tool_calls: [call('{"at":'), call('{}', 'see')] }, 'length'));
    expect(message.content.map((block) => (block.type === 'tool_use' ? block.name : block.type))).toEqual(['text', 'see']);
    expect(message.stop_reason).toBe('max_tokens');
  });

  test.each(['{"never-to-be-shown":', '["never-to-be-shown"]', 'null'])('with arguments that are no object fails: %s', async (text) => {
    await using served = front(answer({ tool_calls: [call(text)] }, 'tool_calls'));
    expect(await refusalOf(await served.post(hello))).toMatchObject({ status: 502, type: 'api_error' });
  });

  test('that is a stand-in says so in a header only', async () => {
    await using served = front({ ...answer({ content: 'a' }), degraded: true });
    const response = await served.post(hello);
    expect(response.headers.get('x-inferlane-degraded')).toBe('true');
    messageShape.parse(await response.json());
  });
});

describe('a stream', () => {
  test('is text between a start and an end, each event with its name', async () => {
    await using served = front(
      streams(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hi ' }), chunk({ content: 'you.' }), chunk({}, 'stop'), counted),
    );
    const response = await served.post({ ...hello, stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-inferlane-provider')).toBe('fake');
    expect(await eventsOf(response)).toMatchObject([
      { type: 'message_start', message: { id: 'msg_1', model: 'tiny', content: [], stop_reason: null, usage: { input_tokens: 0 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'you.' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 7 },
      },
      { type: 'message_stop' },
    ]);
  });

  test('has a block for thoughts, one for text and one for each call', async () => {
    const first = { index: 0, ...call('') };
    const second = { index: 1, ...call('', 'see') };
    expect(
      await gist(
        chunk({ reasoning_content: 'Hm' }),
        chunk({ reasoning_content: '.' }),
        chunk({ thinking_blocks: [signed] }),
        chunk({ thinking_blocks: [redacted] }),
        chunk({ content: 'I look.' }),
        chunk({ tool_calls: [first] }),
        piece(0, undefined, '{"at"'),
        piece(0, undefined, ':1}'),
        chunk({ tool_calls: [second] }),
        piece(0, undefined, ''),
        piece(1, undefined, '{}'),
        chunk({}, 'tool_calls'),
      ),
    ).toEqual([
      'message_start',
      `0 ${begins.thinking}`,
      '0: Hm',
      '0: .',
      '0: c2ln',
      '0 ends',
      '1 begins: {"type":"redacted_thinking","data":"eA=="}',
      '1 ends',
      `2 ${begins.text}`,
      '2: I look.',
      '2 ends',
      `3 ${begins.tool('look')}`,
      '3: {"at"',
      '3: :1}',
      '3 ends',
      `4 ${begins.tool('see')}`,
      '4: {}',
      '4 ends',
      'stop: tool_use',
      'message_stop',
    ]);
  });

  test('of thoughts that nobody signed ends their block where the text begins', async () => {
    expect(await gist(chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'a' }), chunk({}, 'stop'))).toEqual([
      'message_start',
      `0 ${begins.thinking}`,
      '0: Hm.',
      '0 ends',
      `1 ${begins.text}`,
      '1: a',
      '1 ends',
      'stop: end_turn',
      'message_stop',
    ]);
  });

  test('of an answer that came at once tells each signed thought by itself', async () => {
    const other = { ...signed, thinking: 'So.', signature: 'c2lnMg==' };
    expect(await gist(chunk({ reasoning_content: 'Hm.So.', thinking_blocks: [signed, other], content: 'a' }, 'stop'))).toEqual([
      'message_start',
      `0 ${begins.thinking}`,
      '0: Hm.',
      '0: c2ln',
      '0 ends',
      `1 ${begins.thinking}`,
      '1: So.',
      '1: c2lnMg==',
      '1 ends',
      `2 ${begins.text}`,
      '2: a',
      '2 ends',
      'stop: end_turn',
      'message_stop',
    ]);
  });

  test('of a refusal says why at its end', async () => {
    const last = (await events(chunk({ refusal: 'I must' }), chunk({ refusal: ' not.' }), chunk({}, 'stop'))).at(-2);
    expect(last).toMatchObject({ delta: { stop_reason: 'refusal', stop_details: { explanation: 'I must not.' } } });
  });

  test('takes no other choice for the first one', async () => {
    const other: ChatChunk = { ...chunk({}), choices: [{ index: 1, delta: { content: 'other' }, finish_reason: 'length' }] };
    expect(await gist(chunk({ content: 'a' }), other, chunk({}, 'stop'))).toEqual([
      'message_start',
      `0 ${begins.text}`,
      '0: a',
      '0 ends',
      'stop: end_turn',
      'message_stop',
    ]);
  });

  test('holds no line of its own in what the model says', async () => {
    const text = 'a\n\nevent: error\ndata: {}\n\n\r\n\u2028';
    const [, , delta] = await events(chunk({ content: text }), chunk({}, 'stop'));
    expect(delta).toMatchObject({ delta: { text } });
  });
});

describe('a failure', () => {
  const codes: readonly [ErrorCode, number, string][] = [
    ['bad_request', 400, 'invalid_request_error'],
    ['model_not_found', 404, 'not_found_error'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['unavailable', 502, 'api_error'],
    ['overloaded', 503, 'overloaded_error'],
    ['timeout', 504, 'timeout_error'],
  ];

  test.each(codes)('%s is a status, with and without a stream', async (code, status, type) => {
    const failure = () => new RouterError(code, 'It failed at http://10.0.0.1/never-to-be-shown.', { retryAfterMs: 1 });
    for (const stream of [false, true]) {
      await using served = front(failure());
      expect(await refusalOf(await served.post({ ...hello, stream }))).toMatchObject({ status, type });
    }
  });

  test('in the middle of a stream is an event, after which nothing comes', async () => {
    const all = await events(chunk({ content: 'a' }), new RouterError('unavailable', 'It fell over at http://10.0.0.1/.'));
    expect(all.map(({ type }) => type)).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'error']);
    expect(all.at(-1)).toMatchObject({ error: { type: 'api_error', message: expect.not.stringContaining('10.0.0.1') } });
  });

  test('of pieces of calls that are mixed up is one of the stream', async () => {
    for (const steps of [
      [piece(0, 'a', '{'), piece(1, 'b', '{'), piece(0, undefined, '}')],
      [piece(0, 'a', '{}'), piece(1, undefined, '{}')],
    ]) {
      expect((await events(...steps, chunk({}, 'tool_calls'))).at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
    }
  });

  test('that would begin the answer anew cannot: text has been told', async () => {
    const reset: ChatChunk = {
      ...chunk({}),
      choices: [],
      inferlane: { type: 'reset', from: 'fake', provider: 'b', model: 'm', reason: 'x' },
    };
    const all = await events(chunk({ content: 'a' }), reset, chunk({ content: 'b' }), chunk({}, 'stop'));
    expect(all.map(({ type }) => type)).toEqual(['message_start', 'content_block_start', 'content_block_delta', 'error']);
  });

  test('before anything was said is a refusal in the shape of this API', async () => {
    await using served = front(answer({ content: 'a' }), { tokens: ['Zk3vQ8mW1xT6rB9nL2pY'] });
    expect(await refusalOf(await served.post(hello))).toMatchObject({ status: 401, type: 'authentication_error' });
  });
});

test('a reader who leaves ends the call at once', async () => {
  let isLeft = false;
  await using served = front(async function* ({ signal }) {
    yield [chunk({ content: 'a' })];
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  const response = await served.post({ ...hello, stream: true });
  served.router.on('request:error', () => {
    isLeft = true;
  });
  const reader = response.body?.getReader();
  await reader?.read();
  expect(served.router.snapshot().inFlight).toBe(1);
  await reader?.cancel();
  expect(served.router.snapshot().inFlight).toBe(0);
  expect(isLeft).toBe(true);
});

test('a caller whose request is aborted is told nothing more, and counts as gone', async () => {
  const entries: AccessEntry[] = [];
  await using served = front(
    async function* ({ signal }) {
      yield [chunk({ content: 'a' })];
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
    { onAccess: (entry) => void entries.push(entry) },
  );
  const leaving = new AbortController();
  const response = await served.post({ ...hello, stream: true }, undefined, leaving.signal);
  const reader = response.body?.getReader();
  await reader?.read();
  leaving.abort();
  await expect(reader?.read()).rejects.toMatchObject({ name: 'AbortError' });
  expect(entries).toMatchObject([{ route: '/v1/messages', provider: 'fake', cut: true }]);
});

test('calls count against the limits of a caller, and looking does not', async () => {
  await using served = front(answer({ content: 'a' }), { maxPerMinute: 1 });
  const { max_tokens: _, ...question } = hello;
  for (let count = 0; count < 3; count += 1) expect((await served.post(question, '/v1/messages/count_tokens')).status).toBe(200);
  expect((await served.post(hello)).status).toBe(200);
  const response = await served.post(hello);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refusalOf(response)).toMatchObject({ status: 429, type: 'rate_limit_error' });
});
