import { expect, test } from 'vitest';
import type { RouterError } from '../../src/core/errors.ts';
import type { Router } from '../../src/router/router.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

type Ask = (router: Router) => Promise<unknown>;

/** Named, so that the router takes it as it is; made here, where nobody has called yet. */
const made = (code: 'invalid_request' | 'unavailable'): RouterError => fault(code, { provider: 'box', model: 'm' });

test.each<[string, Ask]>([
  ['a chat', (router) => router.chat(hello)],
  ['a stream that does not begin', (router) => router.stream(hello)],
  ['embeddings', (router) => router.embed({ model: 'm', input: 'a text' })],
])('the stack of what ends %s leads to who asked for it', async (_, ask) => {
  const error = made('invalid_request');
  const { router } = fakeRouter({ box: error });
  const whoAsked = async (): Promise<void> => void (await ask(router));
  expect(error.stack).not.toContain('whoAsked');
  expect(await failureOf(whoAsked())).toBe(error);
  expect(error.stack).toMatch(/^RouterError: it said invalid_request\.\n/);
  expect(error.stack).toContain('whoAsked');
});

test('that of an attempt after which the call went on is left as it was', async () => {
  const error = made('unavailable');
  const { stack } = error;
  const { router } = fakeRouter({ box: error, other: fault('invalid_request') });
  const failure = (await failureOf(router.chat(hello))) as RouterError;
  expect([failure.code, error.stack]).toEqual(['invalid_request', stack]);
});

test('that of the reason for which a caller aborts is left as it was', async () => {
  const reason = made('unavailable');
  const { stack } = reason;
  const { router } = fakeRouter({ box: 'an answer' });
  expect(await failureOf(router.chat(hello, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(reason.stack).toBe(stack);
});
