import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { memoryStore } from '../../src/state/memory.ts';
import type { StateStore } from '../../src/state/store.ts';
import { type EventRecord, record } from './events.ts';
import { type Fake, fake, type Outcome } from './fake-adapter.ts';
import { type TestClock, testClock } from './test-clock.ts';

export interface FleetMember {
  readonly router: Router;
  readonly events: EventRecord;
}

export interface FakeFleet<Id extends string> {
  readonly clock: TestClock;
  readonly store: StateStore;
  readonly members: readonly FleetMember[];
  /** One server for all members, by the id that they have for it. */
  readonly fakes: Readonly<Record<Id, Fake>>;
  /** Another process comes. */
  join(options?: Partial<RouterOptions>): FleetMember;
}

/** Routers of several processes, as it were, on one clock and with one store, that call the same scripted servers. */
export async function fakeFleet<Id extends string>(
  count: number,
  servers: Readonly<Record<Id, Outcome | readonly Outcome[] | ((call: number) => Outcome)>>,
  options: Omit<Partial<RouterOptions>, 'clock'> & { readonly clock?: TestClock } = {},
): Promise<FakeFleet<Id>> {
  const clock = options.clock ?? testClock();
  const store = options.store ?? memoryStore({ clock });
  const fakes = Object.fromEntries(Object.entries(servers).map(([id, does]) => [id, fake(does as Outcome, { clock })])) as Record<Id, Fake>;
  const members: FleetMember[] = [];
  const join = (more: Partial<RouterOptions> = {}): FleetMember => {
    const providers = Object.fromEntries(
      Object.entries<Fake>(fakes).map(([id, { adapter }]): [string, ProviderOptions] => [id, { type: 'custom', adapter, locality: 'lan' }]),
    );
    const router = createRouter({
      clock,
      random: () => 0.5,
      health: false,
      checkModels: false,
      pollMs: false,
      store,
      providers,
      ...options,
      ...more,
    });
    const member = { router, events: record(router) };
    members.push(member);
    return member;
  };
  for (let index = 0; index < count; index++) join();
  await settled(clock);
  return { clock, store, members, fakes, join };
}

/** Lets what was written reach everybody: digests are made by the platform, in its own time. */
export async function settled(clock: TestClock, ms: number = 300): Promise<void> {
  // Ours are ready after those that were asked for before.
  for (let turn = 0; turn < 3; turn++) await crypto.subtle.digest('SHA-256', new Uint8Array(1_000));
  await new Promise((resolve) => setTimeout(resolve, 2));
  await clock.advance(ms);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
