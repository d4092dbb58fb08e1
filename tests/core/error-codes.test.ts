import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { eventsPage, referencePages } from '../../scripts/write-reference.ts';
import { type ErrorCode, errorCodes } from '../../src/core/error-codes.ts';

import { eventNames } from '../_kit/events.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The first cell of each row of the tables under a heading, marks taken off. */
function firstCells(page: string, heading: string): string[] {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `(.+?)` +\|/gm)].map(([, cell = '']) => cell);
}

/** The members of the union `ErrorCode`, as the source has them. */
function unionMembers(): string[] {
  const file = ts.createSourceFile('error-codes.ts', read('src/core/error-codes.ts'), ts.ScriptTarget.Latest, true);
  const alias = file.statements.filter(ts.isTypeAliasDeclaration).find(({ name }) => name.text === 'ErrorCode');
  if (alias === undefined || !ts.isUnionTypeNode(alias.type)) throw new Error('no union ErrorCode');
  return alias.type.types.map((type) => type.getText(file).replaceAll("'", ''));
}

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('the table of errors', () => {
  test('has a row for each code of the union, in the same order', () => {
    expect(codes).toEqual(unionMembers());
  });

  test('cannot be changed', () => {
    expect([errorCodes, ...Object.values(errorCodes)].filter((value) => !Object.isFrozen(value))).toEqual([]);
  });

  test.each(codes)('%s has an HTTP status of an error, and a sentence', (code) => {
    const { status, when } = errorCodes[code];
    expect([400, 404, 429, 500, 502, 503, 504, 508]).toContain(status);
    expect(when).toMatch(/^[A-Z].*\.$/);
  });

  test('what the caller did wrong stops the call, and never counts against a provider', () => {
    const own: ErrorCode[] = ['invalid_config', 'invalid_request', 'content_filtered', 'bad_request'];
    expect(own.map((code) => errorCodes[code].next)).toEqual(own.map(() => 'stop'));
    expect(own.filter((code) => ['failure', 'ratio'].includes(errorCodes[code].breaker))).toEqual([]);
  });

  test('only faults of the provider count as failures', () => {
    expect(codes.filter((code) => errorCodes[code].breaker === 'failure')).toEqual([
      'driver',
      'unavailable',
      'timeout',
      'bad_response',
      'limit_exceeded',
      'stream_interrupted',
    ]);
  });

  test('a want of room counts among others only', () => {
    expect(codes.filter((code) => errorCodes[code].breaker === 'ratio')).toEqual(['rate_limited', 'overloaded']);
  });

  test('nothing is tried in place of a stream that was begun', () => {
    expect(errorCodes.stream_interrupted).toMatchObject({ next: 'stop', retry: false });
  });

  test.each([
    ['out_of_memory', 'pin'],
    ['model_not_found', 'missing'],
    ['auth', 'disable'],
    ['quota_exhausted', 'rest'],
    ['rate_limited', 'cool'],
    ['model_loading', 'cool'],
    ['overloaded', 'cool'],
  ] as const)('%s has the side effect %s, and is no failure in a row', (code, effect) => {
    expect(errorCodes[code].effect).toBe(effect);
    expect(errorCodes[code].breaker).not.toBe('failure');
  });

  test('no other code has a side effect', () => {
    expect(codes.filter((code) => errorCodes[code].effect !== 'none')).toHaveLength(7);
  });

  test('what the loop ends with is never tried again', () => {
    expect(codes.filter((code) => errorCodes[code].next === 'stop' && errorCodes[code].retry)).toEqual([]);
  });
});

describe('the reference pages', () => {
  test.each(Object.entries(referencePages()))('%s is what scripts/write-reference.ts writes', (path, text) => {
    expect(read(path)).toBe(text);
  });

  test('errors.md has a row for each code', () => {
    expect(firstCells(read('docs/reference/errors.md'), 'Codes')).toEqual(codes);
  });

  test('events.md has a row for each event', () => {
    expect(firstCells(read('docs/reference/events.md'), 'Events')).toEqual(eventNames);
  });

  test('an event without a comment cannot be written', () => {
    expect(() => eventsPage("export interface RouterEvents { 'a:b': { readonly c: string } }")).toThrow('a:b has no comment');
  });
});
