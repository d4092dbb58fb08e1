import * as z from 'zod/mini';
import type { Router } from '../index.ts';
import type { AdminCount, AdminTarget, AdminTestedFailover, AdminTestedProvider } from './admin-contract.ts';
import { tellChange } from './admin-desk.ts';
import type { AdminChange } from './admin-options.ts';
import { adminHeaders } from './admin-page.ts';
import { mustBeObject, optional, readBody, text } from './body-schema.ts';
import { badRequest, HttpRefusal } from './failure.ts';
import { jsonResponse } from './respond.ts';
import type { Exchange } from './route.ts';

const name = optional(text().check(z.minLength(1, 'must not be empty'), z.maxLength(256, 'must have 256 characters at most')));
const target = z.strictObject({ provider: name, model: name }, mustBeObject);
const nothing = z.strictObject({}, mustBeObject);

/** `POST test-provider` */
export async function answerTestProvider(exchange: Exchange): Promise<Response> {
  const { router, config, call } = exchange;
  const { provider, model } = readTarget(exchange);
  if (provider === undefined) throw badRequest('provider is missing.', 'provider');
  const test: AdminTestedProvider = await router.testProvider(provider, { model, signal: call.signal });
  tellChange(config, { action: 'test-provider', keys: [provider], ok: test.ok });
  return jsonResponse(test, 200, adminHeaders);
}

/** `POST test-failover` */
export async function answerTestFailover({ router, config, body: given, call }: Exchange): Promise<Response> {
  readBody(nothing, given);
  const tested: AdminTestedFailover = { tests: await router.testFailover({ signal: call.signal }) };
  tellChange(config, { action: 'test-failover', keys: [], ok: tested.tests.every(({ ok }) => ok) });
  return jsonResponse(tested, 200, adminHeaders);
}

/** `POST unpin` */
export async function answerUnpin(exchange: Exchange): Promise<Response> {
  const which = readTarget(exchange);
  return counted(exchange, 'unpin', which, exchange.router.unpin(which));
}

/** `POST close-circuit` */
export async function answerCloseCircuit(exchange: Exchange): Promise<Response> {
  const { router } = exchange;
  const which = readTarget(exchange);
  return counted(exchange, 'close-circuit', which, router.closeCircuit(which));
}

function counted({ config }: Exchange, action: AdminChange['action'], { provider }: AdminTarget, count: number): Response {
  tellChange(config, { action, keys: provider === undefined ? [] : [provider], ok: true });
  const answer: AdminCount = { count };
  return jsonResponse(answer, 200, adminHeaders);
}

/**
 * Only what is configured can be acted upon.
 * @throws {HttpRefusal} 400 or 404.
 */
function readTarget({ body: given, router }: Exchange): AdminTarget {
  const which = readBody(target, given);
  if (which.provider !== undefined) refuseUnknownProvider(router, which.provider);
  return which;
}

/** @throws {HttpRefusal} 404, which does not repeat the name. */
export function refuseUnknownProvider(router: Router, id: string): void {
  if (router.snapshot().providers.some(({ provider }) => provider === id)) return;
  const message = 'There is no provider of this id that is switched on.';
  throw new HttpRefusal({ status: 404, code: 'unknown_provider', message, param: 'provider' });
}
