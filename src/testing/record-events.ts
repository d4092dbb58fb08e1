import { type EventName, eventNames, type Router, type RouterEvents } from '../index.ts';

/** One event, told apart by `name`. */
export type RecordedEvent = { readonly [Name in EventName]: { readonly name: Name; readonly payload: RouterEvents[Name] } }[EventName];

export interface EventRecord {
  /** In the order they were told. */
  readonly all: readonly RecordedEvent[];
  /** The payloads of one event. */
  of<Name extends EventName>(name: Name): RouterEvents[Name][];
  names(): EventName[];
  /** `attempt:start gpu`, `failover gpu to cpu: overloaded`: each event as its name and, where it has one, its provider. */
  lines(): string[];
  clear(): void;
}

/** Every event of a router from now on. */
export function recordEvents(router: Pick<Router, 'on'>): EventRecord {
  const all: RecordedEvent[] = [];
  // The compiler cannot see that name and payload of one listener belong together.
  for (const name of eventNames) router.on(name, (payload) => all.push({ name, payload } as RecordedEvent));
  return {
    all,
    of: <Name extends EventName>(wanted: Name) =>
      all.flatMap(({ name, payload }) => (name === wanted ? [payload as RouterEvents[Name]] : [])),
    names: () => all.map(({ name }) => name),
    lines: () => all.map(toLine),
    clear: () => void all.splice(0),
  };
}

function toLine({ name, payload }: RecordedEvent): string {
  if (name === 'failover') return `failover ${payload.from} to ${payload.to}: ${payload.reason}`;
  return 'provider' in payload ? `${name} ${payload.provider}` : name;
}
