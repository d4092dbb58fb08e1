import * as z from 'zod/mini';
import { localities, type RouterOptions, type TimeoutOptions } from '../index.ts';
import type { AdminIntentPatch, AdminProviderPatch, AdminSettingsPatch } from './admin-contract.ts';
import { anyNumber, entriesOf, flag, mustBeObject, oneOf, type Reads, readBody, text } from './body-schema.ts';
import { badRequest, type HttpRefusal } from './failure.ts';
import { isRouterName } from './router-name.ts';

// Names and kinds only: ranges, and what goes with what, the router knows.

type Fields<Patch> = { readonly [Name in keyof Patch]-?: Reads<Patch[Name]> };

const number = anyNumber();
const balance = oneOf(['priority', 'weighted', 'least-busy', 'expected-ttft']);

const maybe = <Value>(schema: Reads<Value>): Reads<Value | undefined> => z.optional(schema);
const orDefault = <Value>(schema: Reads<Value>): Reads<Value | null | undefined> => z.nullish(schema);
// That each field fits is checked above; that the fields together are the patch, the compiler cannot see for a type that it does not know.
const body = <Patch>(fields: Fields<Patch>): Reads<Patch> => z.strictObject(fields, mustBeObject) as unknown as Reads<Patch>;

const timeouts = body<TimeoutOptions>({
  connectMs: maybe(number),
  firstTokenMs: maybe(number),
  idleMs: maybe(number),
  totalMs: maybe(number),
});

const intent = body<AdminIntentPatch>({
  order: orDefault(z.array(z.union([text(), z.array(text())], 'must be a name or a list of names'), 'must be a list of devices and ids')),
  balance: orDefault(balance),
  lane: orDefault(oneOf(['fast', 'heavy'])),
  affinity: orDefault(flag()),
  maxLocality: orDefault(oneOf(localities)),
  allowPaid: orDefault(flag()),
  maxCostUsd: orDefault(number),
  timeouts: orDefault(timeouts),
  deadlineMs: orDefault(number),
});

const provider = body<AdminProviderPatch>({
  enabled: maybe(flag()),
  device: orDefault(oneOf(['gpu', 'cpu', 'remote', 'cloud'])),
  priority: orDefault(number),
  weight: orDefault(number),
  maxConcurrent: orDefault(number),
  defaultModel: orDefault(text()),
  embeddingModel: orDefault(text()),
  threads: orDefault(number),
  contextSize: orDefault(number),
  apiKey: orDefault(text()),
});

const settings = body<AdminSettingsPatch>({
  balance: maybe(balance),
  defaultIntent: maybe(text()),
  maxAttempts: orDefault(number),
  deadlineMs: orDefault(number),
  allowPaid: maybe(flag()),
  intents: maybe(z.record(z.string(), intent, mustBeObject)),
  providers: maybe(z.record(z.string(), provider, mustBeObject)),
});

/** Where calls go, what runs, and what is read from this machine: that is up to who starts the router, whatever the token. */
const fixed: ReadonlySet<string> = new Set(['type', 'url', 'headers', 'adapter', 'modelPath', 'embeddingModelPath', 'dialect']);

/**
 * The body of `POST settings`.
 * @throws {HttpRefusal} 400 with the path of the field.
 */
export function readPatch(given: unknown, { providers }: RouterOptions): AdminSettingsPatch {
  for (const [id, fields] of entriesIn(given, 'providers')) {
    if (!Object.hasOwn(providers, id))
      throw notAllowed('Providers cannot be added over HTTP, only to the options of the router.', 'providers');
    for (const [name] of entriesOf(fields)) {
      if (fixed.has(name)) throw notAllowed(`${name} of a provider cannot be changed over HTTP, only in the options of the router.`, name);
    }
  }
  for (const [name] of entriesIn(given, 'intents')) {
    if (!isRouterName(name)) throw badRequest('intents holds a name that is none.', 'intents');
  }
  return readBody(settings, given);
}

function entriesIn(given: unknown, name: string): readonly (readonly [string, unknown])[] {
  return entriesOf(entriesOf(given).find(([key]) => key === name)?.[1]);
}

function notAllowed(message: string, param: string): HttpRefusal {
  return badRequest(message, param, 'field_not_allowed');
}
