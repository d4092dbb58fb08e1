import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { Classified } from '../../src/lib/classify.ts';
import { createErrorMaker } from '../../src/lib/http-error.ts';

const found: Classified = { code: 'unavailable', text: '', retryAfterMs: undefined, reason: undefined, phase: undefined };

function message(more: Partial<Classified>, status?: number, url = 'http://user:pass@gpu.example:8000/v1?key=abc'): string {
  return createErrorMaker('gpu', url, () => []).of({ ...found, ...more }, status, undefined).message;
}

describe('the message', () => {
  test.each<[ErrorCode, string]>([
    ['auth', 'gpu: the credentials were refused. Check the apiKey of provider "gpu".'],
    ['out_of_memory', 'gpu: out of memory. Free memory there, or use a smaller model or context.'],
    ['model_not_found', 'gpu: the model is not served here.'],
    ['quota_exhausted', 'gpu: quota exhausted. Check the plan and billing of this account.'],
    ['unavailable', 'gpu: not available.'],
    ['timeout', 'gpu: timed out.'],
    ['bad_response', 'gpu: not an answer.'],
    ['rate_limited', 'gpu: rate limited.'],
    ['context_length', 'gpu: context length.'],
  ])('of %s', (code, expected) => {
    expect(message({ code })).toBe(expected);
  });

  test.each<[string, Partial<Classified>, number | undefined, string]>([
    ['what the server said', { text: 'it is down' }, undefined, 'gpu: not available: it is down.'],
    ['a full sentence', { text: 'It is down.' }, undefined, 'gpu: not available: It is down.'],
    ['a call', { text: 'Down!' }, undefined, 'gpu: not available: Down!'],
    ['a question', { text: 'Down?' }, undefined, 'gpu: not available: Down?'],
    ['a point inside', { text: 'v1.5 is down' }, undefined, 'gpu: not available: v1.5 is down.'],
    ['the reason', { reason: 'EPIPE' }, undefined, 'gpu: not available [EPIPE].'],
    ['the status', {}, 503, 'gpu: not available (HTTP 503).'],
    ['the first status that is an error', {}, 400, 'gpu: not available (HTTP 400).'],
    ['no status that is none', {}, 399, 'gpu: not available.'],
    ['the host, where the connection never stood', { phase: 'connect' }, undefined, 'gpu: not available at gpu.example:8000.'],
    ['the host in the place of the status', { phase: 'connect', reason: 'x' }, 522, 'gpu: not available [x] at gpu.example:8000.'],
    ['no host in another phase', { phase: 'idle' }, 503, 'gpu: not available (HTTP 503).'],
  ])('tells %s', (_name, more, status, expected) => {
    expect(message(more, status)).toBe(expected);
  });

  test('that was cut needs no full stop', () => {
    expect(message({ text: 'x'.repeat(400) })).toMatch(/x…$/);
  });

  test('tells no host of what is no address', () => {
    expect(message({ phase: 'connect' }, undefined, 'no address')).toBe('gpu: not available.');
  });

  test.each([
    ['a key', 'hunter22hunter22', undefined],
    ['a key in it', 'no_hunter22hunter22', undefined],
    ['words of the prompt', 'grandmother_hid_the_spoons', undefined],
    ['what looks like a key', 'hf_abcdefghijklmnop', undefined],
    ['its own word', 'insufficient_quota', 'insufficient_quota'],
    ['a number', '10033', '10033'],
  ])('and the reason name what the server calls it, unless that is %s', (_name, reason, shown) => {
    const maker = createErrorMaker('gpu', 'http://gpu', () => ['hunter22hunter22']);
    const error = maker.of({ ...found, reason }, undefined, { prompt: 'tell: grandmother_hid_the_spoons' });
    expect(error.reason).toBe(shown);
    expect(error.message).toBe(shown === undefined ? 'gpu: not available.' : `gpu: not available [${shown}].`);
  });

  test('is without the keys of the moment and the words of the request', () => {
    const keys: string[] = [];
    const maker = createErrorMaker('gpu', 'http://gpu', () => keys);
    keys.push('hunter22hunter22');
    const text = 'hunter22hunter22 for "a prompt of many words"';
    expect(maker.of({ ...found, text }, undefined, { prompt: 'a prompt of many words' }).message).toBe(
      'gpu: not available: [secret] for "[…]".',
    );
  });
});

test('the fields are those of what was found', () => {
  const error = createErrorMaker('gpu', 'http://gpu', () => []).of(
    { code: 'timeout', text: '', retryAfterMs: 250, reason: 'x', phase: 'idle' },
    504,
    undefined,
  );
  expect(error).toMatchObject({ code: 'timeout', provider: 'gpu', status: 504, retryAfterMs: 250, reason: 'x', phase: 'idle' });
});
