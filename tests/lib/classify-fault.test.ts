import { describe, expect, test } from 'vitest';
import { classifyFault } from '../../src/lib/classify.ts';

function failure(code: string, more: object = {}): Error {
  return Object.assign(new Error(`${code} to http://user:hunter22@host/?key=hunter22`), { code, ...more });
}

const fetchFailed = (cause: unknown): Error => new TypeError('fetch failed', { cause });

describe('faults of the platform', () => {
  test.each([
    ['ECONNREFUSED', 'unavailable', 'connect'],
    ['ENOTFOUND', 'unavailable', 'connect'],
    ['EAI_AGAIN', 'unavailable', 'connect'],
    ['EHOSTUNREACH', 'unavailable', 'connect'],
    ['ENETUNREACH', 'unavailable', 'connect'],
    ['CERT_HAS_EXPIRED', 'unavailable', 'connect'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unavailable', 'connect'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unavailable', 'connect'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'unavailable', 'connect'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'unavailable', 'connect'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'connect'],
    ['ETIMEDOUT', 'timeout', 'connect'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout', 'first-token'],
    ['UND_ERR_BODY_TIMEOUT', 'timeout', 'idle'],
    ['EMFILE', 'saturated', undefined],
    ['ENFILE', 'saturated', undefined],
    ['EADDRNOTAVAIL', 'saturated', undefined],
    ['ECONNRESET', 'unavailable', undefined],
    ['EPIPE', 'unavailable', undefined],
    ['UND_ERR_SOCKET', 'unavailable', undefined],
    ['HPE_INVALID_CONSTANT', 'bad_response', undefined],
    ['HPE_HEADER_OVERFLOW', 'limit_exceeded', undefined],
    ['ERR_INVALID_URL', 'invalid_config', undefined],
    ['ERR_INVALID_CHAR', 'invalid_config', undefined],
    ['SOMETHING_NEW', 'unavailable', undefined],
  ])('%s is %s in phase %s', (code, expected, phase) => {
    expect(classifyFault(fetchFailed(failure(code)))).toMatchObject({ code: expected, reason: code, phase, retryAfterMs: undefined });
  });

  test.each(['read', 'write'])('a connection that fell silent on %s had stood', (syscall) => {
    expect(classifyFault(failure('ETIMEDOUT', { syscall }))).toMatchObject({ code: 'unavailable', phase: undefined });
  });

  test.each([
    [failure('ETIMEDOUT', { syscall: 'read' }), 'The connection was reset.'],
    [failure('ETIMEDOUT', { syscall: 'write' }), 'The connection was reset.'],
    [failure('ETIMEDOUT', { syscall: 'connect' }), 'The connection took too long.'],
    [failure('EPROTO', { syscall: 'write' }), 'The TLS handshake failed.'],
    [failure('ENOTFOUND', { syscall: 'read' }), 'The host name was not found.'],
    // An error that is no `Error`: any field may be anything.
    [{ message: 7, cause: { message: 'socket hang up' } }, 'The connection was closed.'],
    [{ message: `${'x'.repeat(986)}socket hang up` }, 'The connection was closed.'],
    [{ message: `${'x'.repeat(987)}socket hang up` }, ''],
    [{ code: 7, errors: 'ECONNREFUSED' }, ''],
  ])('%j says: %s', (error, text) => {
    expect(classifyFault(error).text).toBe(text);
  });

  test.each([
    [7, 'ECONNREFUSED'],
    [8, undefined],
  ])('the code below %i causes: %s', (depth, reason) => {
    let error: Error = failure('ECONNREFUSED');
    for (let level = 0; level < depth; level++) error = new Error('x', { cause: error });
    expect(classifyFault(error).reason).toBe(reason);
  });

  test('an unknown code is named, with what the words tell', () => {
    expect(classifyFault(failure('SOMETHING_NEW', { message: 'socket hang up' }))).toMatchObject({
      text: 'The connection was closed.',
      reason: 'SOMETHING_NEW',
    });
  });

  test('the code may lie several causes deep', () => {
    expect(classifyFault(new Error('x', { cause: fetchFailed(failure('ECONNREFUSED')) })).reason).toBe('ECONNREFUSED');
  });

  test('one error per address tried', () => {
    expect(classifyFault(fetchFailed(new AggregateError([failure('ECONNREFUSED'), failure('ENETUNREACH')]))).reason).toBe('ECONNREFUSED');
  });

  test('causes that go in a circle', () => {
    const error = new Error('x');
    error.cause = error;
    expect(classifyFault(error)).toMatchObject({ code: 'unavailable', text: '' });
  });

  test.each([
    [
      new TypeError('terminated', { cause: new Error('Response does not match the HTTP/1.1 protocol (Invalid chunk size)') }),
      'bad_response',
      undefined,
    ],
    [fetchFailed(new Error('bad port')), 'invalid_config', undefined],
    [fetchFailed(new Error('unknown scheme')), 'invalid_config', undefined],
    [new TypeError('Headers.append: "hunter22" is an invalid header value.'), 'invalid_config', undefined],
    [
      new TypeError('Cannot convert argument to a ByteString because the character at index 7 has a value of 8230'),
      'invalid_config',
      undefined,
    ],
    [
      new TypeError('Request cannot be constructed from a URL that includes credentials: http://a:hunter22@b/'),
      'invalid_config',
      undefined,
    ],
    [new TypeError('terminated'), 'unavailable', undefined],
    [new Error('socket hang up'), 'unavailable', undefined],
    [new TypeError('error sending request: tcp connect error: Connection refused (os error 111)'), 'unavailable', 'connect'],
    [new DOMException('The operation timed out', 'TimeoutError'), 'timeout', undefined],
    [new Error('something else'), 'unavailable', undefined],
    ['a string', 'unavailable', undefined],
    [undefined, 'unavailable', undefined],
    [null, 'unavailable', undefined],
  ])('without a code: %s is %s', (error, code, phase) => {
    expect(classifyFault(error)).toMatchObject({ code, phase, reason: undefined });
  });

  test('an unknown fault has no text', () => {
    expect(classifyFault(new Error('key hunter22')).text).toBe('');
  });

  test.each([
    () => new Request('http://user:hunter22@host/'),
    () => new URL('http://[hunter22/?key=hunter22'),
    () => new Headers({ authorization: 'Bearer hunter22\nx' }),
    () => new Headers({ 'x-api-key': 'hunter22…' }),
  ])('the text of what the platform itself throws is not copied: %s', (provoke) => {
    const thrown = caught(provoke);
    expect(String(thrown)).toMatch(/hunter22|ByteString|Invalid URL/);
    const { code, text } = classifyFault(thrown);
    expect({ code, text }).toEqual({ code: 'invalid_config', text: expect.not.stringContaining('hunter22') as unknown });
  });

  test('a code that is no name is not repeated', () => {
    expect(classifyFault(failure('http://user:hunter22@host')).reason).toBeUndefined();
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
