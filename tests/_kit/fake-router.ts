import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import type { ChatChunk, ChatRequest } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { type EventRecord, record } from './events.ts';
import { type Fake, fake, type FakeOptions, type Outcome } from './fake-adapter.ts';
import { type TestClock, testClock } from './test-clock.ts';

export const hello: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }] };

type Script = Outcome | readonly Outcome[] | ((call: number) => Outcome);

/** A provider by what it does; with `fake`, what else its adapter is, and with the rest its options. */
export type FakeProvider =
  | Script
  | (Omit<Partial<ProviderOptions>, 'type' | 'adapter'> & { readonly does: Script; readonly fake?: FakeOptions });

export interface FakeRouter<Id extends string> {
  readonly router: Router;
  readonly clock: TestClock;
  readonly events: EventRecord;
  /** By the ids of the providers. */
  readonly fakes: Readonly<Record<Id, Fake>>;
}

/**
 * A router on a clock that stands still, over scripted providers. Jitter is in the middle (`random` gives 0.5), and a
 * provider called `gpu` or `cpu` is such a device.
 */
export function fakeRouter<Id extends string>(
  providers: Readonly<Record<Id, FakeProvider>>,
  options: Omit<RouterOptions, 'providers'> = {},
): FakeRouter<Id> {
  const clock = testClock();
  const fakes: Partial<Record<Id, Fake>> = {};
  const configured: Record<string, ProviderOptions> = {};
  for (const [id, given] of Object.entries(providers) as [Id, FakeProvider][]) {
    const { does, fake: more, ...rest } = typeof given === 'object' && 'does' in given ? given : { does: given };
    const made = fake(does, { clock, ...more });
    fakes[id] = made;
    const device = id === 'gpu' || id === 'cpu' ? { device: id } : {};
    configured[id] = { type: 'custom', adapter: made.adapter, ...device, ...rest } as ProviderOptions;
  }
  const router = createRouter({ clock, random: () => 0.5, health: false, ...options, providers: configured });
  return { router, clock, events: record(router), fakes: fakes as Record<Id, Fake> };
}

/** What a promise came to, as a value: tests go on with time in between. */
export function outcomeOf<Value>(promise: Promise<Value>): { value?: Value; error?: unknown; settled: boolean } {
  const outcome: { value?: Value; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(outcome, { value, settled: true }),
    (error: unknown) => Object.assign(outcome, { error, settled: true }),
  );
  return outcome;
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail.');
}

/** The text of the chunks of a stream up to its end or its failure. */
export async function readAll(stream: AsyncIterable<ChatChunk>): Promise<{ text: string; failure: unknown }> {
  let text = '';
  try {
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    return { text, failure: undefined };
  } catch (failure) {
    return { text, failure };
  }
}
