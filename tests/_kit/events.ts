import type { EventName, RouterEvents } from '../../src/core/events.ts';
import type { Router } from '../../src/router/router.ts';

const everyName: Readonly<Record<EventName, true>> = {
  'request:start': true,
  'request:end': true,
  'request:error': true,
  'attempt:start': true,
  'attempt:end': true,
  'attempt:error': true,
  failover: true,
  retry: true,
  'breaker:open': true,
  'breaker:half-open': true,
  'breaker:close': true,
  'provider:up': true,
  'provider:down': true,
  'provider:cooldown': true,
  'model:pinned': true,
  'model:unpinned': true,
  'model:missing': true,
  'stream:interrupted': true,
  'config:warning': true,
  'listener:error': true,
};

export const eventNames = Object.keys(everyName) as readonly EventName[];

export type Recorded = { readonly [Name in EventName]: { readonly name: Name; readonly payload: RouterEvents[Name] } }[EventName];

export interface EventRecord {
  readonly all: readonly Recorded[];
  /** `attempt:start gpu`: each event as its name and, where it has one, its provider. */
  lines(): string[];
  of<Name extends EventName>(name: Name): RouterEvents[Name][];
  clear(): void;
}

/** Every event of a router from now on, in order. */
export function record(router: Router): EventRecord {
  const all: Recorded[] = [];
  for (const name of eventNames) router.on(name, (payload) => all.push({ name, payload } as Recorded));
  return {
    all,
    lines: () =>
      all.map(({ name, payload }) => {
        if (name === 'failover') return `failover ${payload.from} to ${payload.to}: ${payload.reason}`;
        return 'provider' in payload ? `${name} ${payload.provider}` : name;
      }),
    of: <Name extends EventName>(wanted: Name) =>
      all.flatMap(({ name, payload }) => (name === wanted ? [payload as RouterEvents[Name]] : [])),
    clear: () => void all.splice(0),
  };
}
