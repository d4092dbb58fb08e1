import { expect, test } from 'vitest';
import { type BreakerEffect, type ErrorCode, errorCodes, type NextStep, type SideEffect } from '../../src/core/error-codes.ts';
import { classifyBody, classifyFault, classifyResponse } from '../../src/lib/classify.ts';
import { type ErrorLiteral, errorLiterals } from './error-literals.ts';

type Consequence = readonly [retry: 'again' | 'never', next: NextStep, breaker: BreakerEffect, effect: SideEffect];

/**
 * What must follow from each kind of failure: whether the same provider is tried again after a pause, where nobody else is left;
 * whether another one is tried; what the breaker counts; what else befalls the provider. Written down a second time, on purpose.
 */
const consequences: Partial<Record<ErrorCode, Consequence>> = {
  out_of_memory: ['never', 'failover', 'neutral', 'pin'],
  model_not_found: ['never', 'failover', 'neutral', 'missing'],
  model_loading: ['again', 'failover', 'neutral', 'cool'],
  overloaded: ['again', 'failover', 'ratio', 'cool'],
  rate_limited: ['again', 'failover', 'ratio', 'cool'],
  quota_exhausted: ['never', 'failover', 'neutral', 'rest'],
  context_length: ['never', 'larger', 'alive', 'none'],
  auth: ['never', 'failover', 'neutral', 'disable'],
  bad_request: ['never', 'stop', 'alive', 'none'],
  unsupported: ['never', 'failover', 'neutral', 'none'],
  content_filtered: ['never', 'stop', 'alive', 'none'],
  unavailable: ['again', 'failover', 'failure', 'none'],
  bad_response: ['again', 'failover', 'failure', 'none'],
  timeout: ['never', 'failover', 'failure', 'none'],
  driver: ['never', 'failover', 'failure', 'none'],
};

const rows = Object.entries(errorLiterals).flatMap(([backend, literals]) => literals.map((row) => [backend, row.trigger, row] as const));

function codeOf({ status, body, headers }: ErrorLiteral): ErrorCode | undefined {
  if (status === 'stream') return classifyBody(body, undefined)?.code;
  const bodyText = typeof body === 'string' ? body : JSON.stringify(body);
  return classifyResponse({ status, bodyText, header: (name) => headers[name] ?? null }, 0).code;
}

test.for(rows.filter(([, , { expected }]) => expected !== undefined))('%s: %s', ([, , row]) => {
  const code = codeOf(row);
  if (code === undefined) throw new Error('No error was seen.');
  const { retry, next, breaker, effect } = errorCodes[code];
  expect([retry ? 'again' : 'never', next, breaker, effect]).toEqual(consequences[row.expected ?? code]);
});

test.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL'])('%s is our own want, and no provider learns of it', (code) => {
  const fault = classifyFault(Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) }));
  const { retry, next, breaker, effect } = errorCodes[fault.code];
  expect([retry ? 'again' : 'never', next, breaker, effect]).toEqual(['again', 'failover', 'neutral', 'none']);
});
