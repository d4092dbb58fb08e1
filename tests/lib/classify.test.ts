import { describe, expect, test } from 'vitest';
import { type Classified, classifyBody, classifyResponse, isWebPage } from '../../src/lib/classify.ts';
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

  test('a redirect does not name its target', () => {
    const { text, reason } = answer(307, '<html>Moved to http://169.254.169.254/</html>', { location: 'http://169.254.169.254/' });
    expect({ text, reason }).toEqual({ text: expect.not.stringContaining('169') as unknown, reason: 'redirect' });
  });
});

describe('bodies', () => {
  const texts: [string, unknown, string][] = [
    ['nested JSON', { error: JSON.stringify({ error: { message: 'inner', type: 'x' } }) }, 'inner'],
    ['three levels', { error: JSON.stringify({ error: JSON.stringify({ error: JSON.stringify({ error: 'deep' }) }) }) }, 'deep'],
    ['a quoted name is no JSON', { error: '"gemma:2b" does not support thinking' }, '"gemma:2b" does not support thinking'],
    [
      'field errors, without the input',
      { detail: [{ loc: ['body', 'a'], msg: 'Field required', input: 'my prompt' }] },
      'body.a: Field required',
    ],
    ['title and text', { error: 'Bad Request', message: 'n is too large' }, 'Bad Request: n is too large'],
    ['problem JSON', { status: 429, title: 'Too Many Requests' }, 'Too Many Requests'],
    ['list of texts', { error: ['one', 'two'] }, 'one; two'],
    ['plain text', ' plain \n', 'plain'],
    ['nothing', '', ''],
    ['null', 'null', 'null'],
    ['an empty object', {}, ''],
    ['foreign prototypes', '{"__proto__":{"error":"x"}}', ''],
  ];
  test.each(texts)('text of %s', (_name, body, text) => {
    expect(answer(500, body).text).toBe(text);
  });

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
    ['an empty error', { error: '' }],
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
    // A server may echo anything, a key too.
    [{ error: { message: 'x', type: 'sk-1234567890abcdef' } }, undefined],
    [{ error: 'x' }, undefined],
  ])('the reason of %j is %s', (body, reason) => {
    expect(answer(500, body).reason).toBe(reason);
  });
});

describe('web pages', () => {
  test.each([
    ['ngrok', { 'ngrok-error-code': 'ERR_NGROK_3200' }, true],
    ['HTML', { 'content-type': 'Text/HTML; charset=utf-8' }, true],
    ['XHTML', { 'content-type': 'application/xhtml+xml' }, true],
    ['challenge', { 'cf-mitigated': 'challenge' }, true],
    ['JSON', { 'content-type': 'application/json' }, false],
    ['no type', {}, false],
  ])('%s', (_name, headers: Readonly<Record<string, string>>, expected) => {
    expect(isWebPage({ header: (name) => headers[name] ?? null })).toBe(expected);
  });

  test.each([
    [522, 'connect'],
    [524, 'first-token'],
    [530, undefined],
  ])('status %i has the phase %s', (status, phase) => {
    expect(answer(status, `error code: ${status}`)).toMatchObject({ phase, reason: `cloudflare ${status}` });
  });

  test('529 is a busy API, not a proxy', () => {
    const body = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(answer(529, body)).toMatchObject({ text: 'Overloaded', reason: 'overloaded_error' });
  });

  test('a page is not quoted', () => {
    expect(answer(502, '<html>secret</html>', { 'content-type': 'text/html' }).text).not.toContain('secret');
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
