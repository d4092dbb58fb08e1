import { describe, expect, test } from 'vitest';
import { type ErrorBody, unwrapText, unwrapValue } from '../../src/lib/error-body.ts';

const read = (body: unknown): ErrorBody => unwrapText(typeof body === 'string' ? body : JSON.stringify(body));
const message = (body: unknown): string => read(body).message;

/** `value` inside so many objects, each under `error`. */
function wrapped(value: unknown, levels: number): unknown {
  return levels === 0 ? value : { error: wrapped(value, levels - 1) };
}

/** `value` as JSON inside JSON: a text of a text of a text. */
function quoted(value: unknown, levels: number): unknown {
  return levels === 0 ? value : { error: JSON.stringify(quoted(value, levels - 1)) };
}

describe('in an answer of a good status', () => {
  test.each<[string, unknown]>([
    ['an error that is said', { error: 'x' }],
    ['an error that is true', { error: true }],
    ['an error object', { error: {} }],
    ['a list of errors', { error: ['x'] }],
    ['beside an answer', { choices: [], error: 'x' }],
    ['by its object', { object: 'error', message: 'x' }],
    ['by its type', { type: 'error', message: 'x' }],
    ['by its type, beside data', { type: 'error', message: 'x', data: [] }],
    ['by three fields', { message: 'x', code: 429, type: 'overloaded' }],
    ['a detail', { detail: 'x' }],
    ['details', { detail: [{ msg: 'x' }] }],
  ])('%s', (_name, body) => {
    expect(unwrapValue(body)).toBeDefined();
  });

  test.each<[string, unknown]>([
    ['null', { error: null }],
    ['false', { error: false }],
    ['a number', { error: 1 }],
    ['an empty text', { error: '' }],
    ['a text of blanks', { error: ' \n' }],
    ['an empty list', { error: [] }],
    ['an object that says nothing', { object: 'error' }],
    ['a type that says nothing', { type: 'error', message: { role: 'assistant' } }],
    ['a message alone', { message: 'x' }],
    ['another object', { object: 'x', message: 'x' }],
    ['no code', { message: 'x', type: 'x' }],
    ['a code that is text', { message: 'x', code: '429', type: 'x' }],
    ['no type', { message: 'x', code: 429 }],
    ['a type that is no text', { message: 'x', code: 429, type: 1 }],
    ['a message that is no text', { message: {}, code: 429, type: 'x' }],
    ['an empty detail', { detail: [] }],
    ...['choices', 'data', 'object', 'embedding', 'embeddings'].map((key): [string, unknown] => [
      `${key} with a detail and three fields`,
      { [key]: [], detail: 'x', message: 'x', code: 429, type: 'x' },
    ]),
  ])('%s is no error', (_name, body) => {
    expect(unwrapValue(body)).toBeUndefined();
  });
});

describe('the words', () => {
  test.each<[string, unknown, string]>([
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
    ['an object behind blanks', ' \n {"error":"x"}', 'x'],
    ['a list', '["x"]', 'x'],
    ['a quoted text', '"x"', 'x'],
    ['a number', '7', '7'],
    ['half an object', '{"error":"x"', '{"error":"x"'],
    ['error before detail', { detail: 'b', error: 'a' }, 'a: b'],
    ['detail before message', { message: 'b', detail: 'a' }, 'a'],
    ['message before errors', { errors: ['b'], message: 'a' }, 'a'],
    ['errors before msg', { msg: 'b', errors: ['a'] }, 'a'],
    ['msg before title', { title: 'b', msg: 'a' }, 'a'],
    ['a title alone', { title: 'a' }, 'a'],
    ['an error object before a message', { message: 'b', error: { message: 'a' } }, 'a'],
    ['no object after a title', { error: 'a', detail: { message: 'b' } }, 'a'],
    ['no title after an error', { error: 'a', title: 'b' }, 'a'],
    ['blanks are no words', { error: ' ', message: 'b' }, 'b'],
    ['true is no words', { error: true, message: 'b' }, ''],
    ['a quoted message after a title', { error: 'a', message: '{"error":"b"}' }, 'a: b'],
    ['a list without its empty items', { error: ['a', '', 1, null, 'b'] }, 'a; b'],
    ['five items of a list', { error: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'a; b; c; d; e'],
    ['eight steps of a place', { detail: [{ loc: [1, 2, 3, 4, 5, 6, 7, 8, 9], msg: 'a' }] }, '1.2.3.4.5.6.7.8: a'],
    ['a place without what is no name', { detail: [{ loc: ['body', { q: 'prompt' }, null, true, 0], msg: 'a' }] }, 'body.0: a'],
    ['a place that is no list', { detail: [{ loc: 'body', msg: 'a' }] }, 'a'],
  ])('%s', (_name, body, expected) => {
    expect(message(body)).toBe(expected);
  });

  test('are read through three texts inside each other, not through a fourth', () => {
    expect(message(quoted({ error: 'x' }, 3))).toBe('x');
    expect(message(quoted({ error: 'x' }, 4))).toBe('{"error":"x"}');
  });

  test('of a value are read through as many', () => {
    expect(unwrapValue(quoted({ error: 'x' }, 3))?.message).toBe('x');
    expect(unwrapValue(quoted({ error: 'x' }, 4))?.message).toBe('{"error":"x"}');
  });

  test('are read six levels deep', () => {
    expect(message(wrapped('x', 5))).toBe('x');
    expect(message(wrapped('x', 6))).toBe('');
  });

  test('are read through lists six levels deep', () => {
    expect(message([[[[['x']]]]])).toBe('x');
    expect(message([[[[[['x']]]]]])).toBe('');
  });

  test('of 64 KiB at most, JSON of no more', () => {
    expect(read('x'.repeat(70_000)).message).toHaveLength(65_536);
    const fits = JSON.stringify({ error: 'x'.repeat(65_536 - 12) });
    expect([fits.length, unwrapText(fits).message.length]).toEqual([65_536, 65_524]);
    expect(unwrapText(`${fits} `).message).toBe(fits);
  });
});

describe('the fields', () => {
  test.each<[string, unknown, Partial<ErrorBody>]>([
    ['a status as the code', { error: { message: 'x', code: 503 } }, { status: 503, code: undefined }],
    ['a status of its own', { status: 429, title: 'x' }, { status: 429 }],
    ['the code before the status', { status: 400, code: 404 }, { status: 404 }],
    ['the first status', { code: 300 }, { status: 300, code: undefined }],
    ['the last status', { code: 599 }, { status: 599, code: undefined }],
    ['a good status is a code', { code: 200 }, { status: undefined, code: '200' }],
    ['less than a status', { code: 299 }, { status: undefined, code: '299' }],
    ['more than a status', { code: 600 }, { status: undefined, code: '600' }],
    ['half a status', { code: 503.5 }, { status: undefined, code: '503.5' }],
    ['a status as text', { code: '503' }, { status: undefined, code: '503' }],
    ['a list as the code', { code: [503] }, { status: undefined, code: undefined }],
    ['an object as the type', { type: { a: 1 } }, { type: undefined }],
    ['an empty type says nothing', { type: 'outer', error: { message: 'x', type: '' } }, { type: 'outer' }],
    ['the inner one first', { type: 'outer', error: { message: 'x', type: 'inner' } }, { type: 'inner' }],
    ['the inner parameter', { error: { message: 'x', param: 'model' } }, { param: 'model' }],
    ['the outer parameter', { param: 'model', error: { message: 'x' } }, { param: 'model' }],
    ['the inner parameter first', { param: 'outer', error: { message: 'x', param: 'inner' } }, { param: 'inner' }],
    ['the type of two servers', { error: 'x', error_type: 'validation' }, { errorType: 'validation' }],
    ['a code in the details', { error: { message: 'x', details: { error_code: 'no_credit' } } }, { code: 'no_credit' }],
    ['a code beside the details', { code: 'a', details: { error_code: 'b' } }, { code: 'a' }],
    ['details that are text', { details: 'error_code' }, { code: undefined }],
    ['an estimate in seconds', { error: 'x', estimated_time: 1.5 }, { estimatedMs: 1500 }],
    ['an estimate that is text', { error: 'x', estimated_time: '20' }, { estimatedMs: undefined }],
    ['an estimate that is true', { error: 'x', estimated_time: true }, { estimatedMs: undefined }],
    ['an estimate of nothing', { error: 'x', estimated_time: 0 }, { estimatedMs: undefined }],
    ['an estimate in the error', { error: { message: 'x', estimated_time: 2 } }, { estimatedMs: 2000 }],
  ])('%s', (_name, body, expected) => {
    expect(read(body)).toMatchObject(expected);
  });
});
