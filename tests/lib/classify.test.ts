import { describe, expect, test } from 'vitest';
import { type Classified, classifyBody, classifyResponse } from '../../src/lib/classify.ts';
import { textRules } from '../../src/lib/error-patterns.ts';
import { type ErrorLiteral, errorLiterals } from './error-literals.ts';
import { slowdown } from './slowdown.ts';

const rows = Object.entries(errorLiterals).flatMap(([backend, literals]) => literals.map((literal) => ({ backend, ...literal })));

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Classified {
  const bodyText = typeof body === 'string' ? body : JSON.stringify(body);
  return classifyResponse({ status, header: (name) => headers[name] ?? null, bodyText }, 0);
}

function classify({ status, body, headers }: ErrorLiteral): Classified | undefined {
  return status === 'stream' ? classifyBody(body, 200) : answer(status, body, headers);
}

describe('what servers say', () => {
  test.each(rows)('$backend: $trigger ($status) is $expected', (row) => {
    expect(classify(row)?.code).toBe(row.expected);
  });

  test('no row was lost', () => {
    const counts = Object.fromEntries(Object.entries(errorLiterals).map(([backend, literals]) => [backend, literals.length]));
    expect(counts).toEqual({
      ollama: 68,
      vllm: 30,
      llamacpp: 44,
      tgi: 29,
      tei: 12,
      textgen: 9,
      openai: 34,
      anthropic: 27,
      huggingface: 19,
      together: 13,
      nvidia: 9,
      sglang: 16,
      lmstudio: 10,
      remoteGpu: 3,
      tunnels: 38,
      gpu: 51,
      inStreams: 53,
    });
  });

  test('every rule is needed by some row', () => {
    const unused = textRules.filter(({ pattern }) => !rows.some(({ body }) => pattern.test(JSON.stringify(body))));
    expect(unused).toEqual([]);
  });
});

describe('order', () => {
  test.each([
    ['out of memory before the driver', 500, 'CUDA error: out of memory', 'out_of_memory'],
    ['out of memory before a missing model', 500, 'model x not found: cudaMalloc failed', 'out_of_memory'],
    ['context before a plain refusal', 400, 'Input validation error: prompt is too long', 'context_length'],
    ['words before the status', 500, 'Input validation error: x', 'bad_request'],
    ['a permanent load failure is not loading', 500, 'error loading model: x', 'unavailable'],
    ['a name in a client error is no driver fault', 404, "model 'vulkan-coder' not found", 'model_not_found'],
    ['a name in a server error is', 500, 'vulkan failed', 'driver'],
  ])('%s', (_name, status, message, code) => {
    expect(answer(status, { error: message }).code).toBe(code);
  });

  test('a structured code beats the words', () => {
    expect(answer(429, { error: { message: 'rate limit, server overloaded', code: 'insufficient_quota' } }).code).toBe('quota_exhausted');
  });

  test('words that the server quotes of the prompt are not its own', () => {
    const quoted = 'Explain why my GPU is out of memory, please';
    const request = { messages: [{ role: 'user', content: quoted }] };
    const failed = { status: 500, header: () => null, bodyText: JSON.stringify({ error: `could not parse <${quoted}>` }) };
    expect(classifyResponse(failed, 0, request).code).toBe('unavailable');
    const own = { ...failed, bodyText: JSON.stringify({ error: 'CUDA error: out of memory' }) };
    expect(classifyResponse(own, 0, request).code).toBe('out_of_memory');
    expect(classifyBody({ error: { message: `could not parse <${quoted}>` } }, undefined, request)?.code).toBe('unavailable');
  });

  test('a tunnel page beats everything', () => {
    expect(answer(200, { error: 'CUDA out of memory' }, { 'ngrok-error-code': 'ERR_NGROK_3200' }).code).toBe('unavailable');
  });

  test.each([
    '; messages = [{"content":"CUDA out of memory"}]',
    "\n  {'input': 'CUDA out of memory'}",
    '; last read: "CUDA out of memory"',
  ])('a quoted prompt is not read: %s', (quoted) => {
    expect(answer(400, { error: `refused${quoted}` }).code).toBe('bad_request');
  });
});

describe('what says more than the status', () => {
  test.each<[number, object, string]>([
    [503, { error: 'x', estimated_time: 20 }, 'model_loading'],
    [500, { error: 'x', estimated_time: 20 }, 'unavailable'],
    [503, { error: 'x', estimated_time: 0 }, 'overloaded'],
    [503, { error: 'x', estimated_time: -1 }, 'overloaded'],
    [404, { error: { message: 'x', param: 'model' } }, 'model_not_found'],
    [404, { error: { message: 'x', param: 'user' } }, 'bad_response'],
    [400, { error: { message: 'x', param: 'model' } }, 'bad_request'],
    [404, { error: { message: 'model: x', type: 'not_found_error' } }, 'model_not_found'],
    [404, { error: { message: 'model: x', type: 'x' } }, 'bad_response'],
    [404, { error: { message: 'path: x', type: 'not_found_error' } }, 'bad_response'],
    [424, { error: 'vulkan failed' }, 'driver'],
    [499, { error: 'vulkan failed' }, 'timeout'],
    [500, { error: 'Failed to load the model; last read: x' }, 'out_of_memory'],
  ])('%i %j is %s', (status, body, code) => {
    expect(answer(status, body).code).toBe(code);
  });

  test.each([
    ['Not Found', 'bad_response'],
    ['Page not found', 'unavailable'],
    ['Not found in time', 'unavailable'],
    ['vulkan failed', 'driver'],
  ])('"%s" without a status is %s', (message, code) => {
    expect(classifyBody({ error: message }, undefined)?.code).toBe(code);
  });

  test.each([
    [undefined, 'unavailable'],
    [200, 'unavailable'],
    [299, 'unavailable'],
    [300, 'bad_response'],
    [503, 'overloaded'],
  ])('a body that came with status %s is %s', (status, code) => {
    expect(classifyBody({ error: 'x' }, status)?.code).toBe(code);
  });
});

describe('statuses without a word', () => {
  test.each([
    [400, 'bad_request'],
    [401, 'auth'],
    [402, 'quota_exhausted'],
    [403, 'auth'],
    [404, 'bad_response'],
    [405, 'unsupported'],
    [408, 'timeout'],
    [409, 'unavailable'],
    [410, 'bad_response'],
    [413, 'bad_request'],
    [415, 'unsupported'],
    [422, 'bad_request'],
    [424, 'unavailable'],
    [425, 'timeout'],
    [429, 'rate_limited'],
    [499, 'timeout'],
    [500, 'unavailable'],
    [501, 'unsupported'],
    [502, 'unavailable'],
    [503, 'overloaded'],
    [504, 'unavailable'],
    [529, 'overloaded'],
    [599, 'unavailable'],
    ...[99, 100, 204, 206, 299, 301, 302, 303, 307, 308, 600].map((status): [number, string] => [status, 'bad_response']),
  ])('%i is %s', (status, code) => {
    expect(answer(status, '')).toMatchObject({ code });
  });

  test.each([204, 205, 206, 299])('%i says more than its body, which may be a piece of an answer and is not repeated', (status) => {
    const piece = { error: { message: 'CUDA out of memory, he wrote', type: 'a_story' }, choices: [] };
    expect(answer(status, piece)).toEqual({
      code: 'bad_response',
      text: 'The status says that this is no whole answer.',
      reason: undefined,
      phase: undefined,
      retryAfterMs: undefined,
    });
  });

  test('but a page of a proxy says more than such a status', () => {
    expect(answer(206, '', { 'ngrok-error-code': 'ERR_NGROK_3200' }).code).toBe('unavailable');
  });

  test('a redirect does not name its target', () => {
    const { text, reason } = answer(307, '<html>Moved to http://169.254.169.254/</html>', { location: 'http://169.254.169.254/' });
    expect({ text, reason }).toEqual({ text: expect.not.stringContaining('169') as unknown, reason: 'redirect' });
  });
});

describe('bodies', () => {
  test('very deep nesting ends', () => {
    expect(answer(500, `${'{"error":'.repeat(5000)}"x"${'}'.repeat(5000)}`).code).toBe('unavailable');
  });

  test('only own fields count', () => {
    expect(classifyBody(Object.create({ error: 'x' }), 200)).toBeUndefined();
  });

  test('a good status beside an error says nothing', () => {
    expect(classifyBody({ error: { message: 'x', code: 503 } }, 200)?.code).toBe('overloaded');
  });

  test.each([
    ['an answer with error null', { object: 'chat.completion', choices: [], error: null }],
    ['an answer with details', { choices: [], detail: 'x' }],
    ['a message event', { type: 'message', message: {} }],
    ['a chunk of Ollama', { message: { content: '{"error":"x"}' }, done: false }],
    ['a list', [{ error: 'x' }]],
    ['a string', 'error'],
    ['null', null],
  ])('%s is no error', (_name, body) => {
    expect(classifyBody(body, 200)).toBeUndefined();
  });

  test.each([
    [{ error: { message: 'x', type: 'requests', code: 'rate_limit_exceeded' } }, 'rate_limit_exceeded'],
    [{ error: { message: 'x', type: 'InternalServerError', code: 500 } }, 'InternalServerError'],
    [{ error: 'x', error_type: 'generation' }, 'generation'],
    [{ error: { message: 'x', code: 10_033 } }, '10033'],
    [{ error: { message: 'x', code: 123_456 } }, undefined],
    // A server may echo anything, a key too.
    [{ error: { message: 'x', type: 'sk-1234567890abcdef' } }, undefined],
    [{ error: 'x' }, undefined],
  ])('the reason of %j is %s', (body, reason) => {
    expect(answer(500, body).reason).toBe(reason);
  });
});

describe('waiting', () => {
  const limits = { 'x-ratelimit-reset-requests': '6m0s' };
  test.each([
    ['a rate limit', 429, {}, { 'retry-after': '2' }, 2000],
    ['a rate limit told by its reset', 429, {}, { 'x-ratelimit-reset-requests': '20s' }, 20_000],
    ['a busy server', 503, {}, { 'retry-after': '2' }, 2000],
    ['a busy server does not mean the limits', 503, {}, limits, undefined],
    ['a refused request', 400, {}, { 'retry-after': '2' }, undefined],
    ['a loading model by its estimate', 503, { error: 'Model gpt2 is currently loading', estimated_time: 20 }, {}, 20_000],
    ['a loading model by the header first', 503, { error: 'x', estimated_time: 20 }, { 'retry-after': '3' }, 3000],
    ['a loading model by an estimate without end', 503, '{"error":"x","estimated_time":1e308}', {}, 300_000],
    ['a request that no loading could mend', 400, { error: 'x', estimated_time: 20 }, {}, undefined],
    ['a used-up quota that comes back', 402, {}, { 'retry-after': '2' }, 2000],
    ['a used-up quota told by its reset', 402, {}, { 'x-ratelimit-reset-requests': '20s' }, 20_000],
  ])('%s', (_name, status, body, headers: Readonly<Record<string, string>>, expected) => {
    expect(answer(status, body, headers).retryAfterMs).toBe(expected);
  });
});

test.each([
  'a',
  '(',
  ' ',
  '"',
  '\\',
  '{"error":',
  'model ',
  'engine ',
  'unable to allocate ',
  'free memory on device ',
  'option "',
  'model name=',
])('classifying grows no faster than its input: %j', (piece) => {
  expect(slowdown((chars) => answer(500, piece.repeat(chars / piece.length)))).toBeLessThan(3);
});

test('a router behind this one that found a circle is not an outage', () => {
  const failed = {
    status: 508,
    header: () => null,
    bodyText: JSON.stringify({ error: { code: 'loop_detected', message: 'too many routers' } }),
  };
  expect(classifyResponse(failed, 0).code).toBe('loop_detected');
});
