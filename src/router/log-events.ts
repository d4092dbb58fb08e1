import { httpStatusOf, isRouterError } from '../core/errors.ts';
import type { RouterEmitter } from '../core/emitter.ts';
import { type EventName, eventNames } from '../core/events.ts';
import type { Logger } from '../core/logger.ts';
import { isThenable } from '../core/thenable.ts';
import type { RouterConfig } from '../config/config.ts';
import { createMask } from '../lib/redact.ts';
import { shownError } from './shown-error.ts';

type Level = keyof Logger;

interface Line {
  readonly level: Level;
  readonly message: string;
}

const debug = (message: string): Line => ({ level: 'debug', message });
const info = (message: string): Line => ({ level: 'info', message });
const warn = (message: string): Line => ({ level: 'warn', message });
const error = (message: string): Line => ({ level: 'error', message });

/** What each event is to a reader of logs; what a call costs its caller decides the level of `request:error` and `attempt:error`. */
const lines: Readonly<Record<EventName, Line>> = {
  'request:start': debug('A call begins.'),
  'request:end': info('A call is answered.'),
  'request:error': error('A call failed.'),
  'queue:enter': debug('A call waits for a slot.'),
  'queue:leave': debug('A call waits no longer.'),
  'attempt:start': debug('A provider is asked.'),
  'attempt:end': debug('A provider answered.'),
  'attempt:error': warn('A provider failed.'),
  failover: warn('A call moves on to another provider.'),
  retry: info('The same provider is tried again.'),
  hedge: info('A second provider is asked beside a slow one.'),
  'breaker:open': warn('A breaker opened: nothing is sent for a while.'),
  'breaker:half-open': info('A breaker lets one call through.'),
  'breaker:close': info('A breaker closed: the provider has recovered.'),
  'provider:up': info('A provider is up again.'),
  'provider:down': warn('A provider is down.'),
  'provider:cooldown': warn('A provider rests.'),
  'model:pinned': warn('A model ran out of memory: others are preferred for a while.'),
  'model:unpinned': info('A model fits again.'),
  'model:spilled': warn('A model is partly outside of GPU memory.'),
  'model:truncated': warn('A server has probably dropped a part of the prompt.'),
  'model:missing': warn('A provider does not serve the model.'),
  'stream:interrupted': warn('A stream broke.'),
  'stream:reset': info('A broken stream begins anew.'),
  'stream:resumed': info('A broken stream goes on.'),
  'budget:warning': warn('A budget is nearly used up.'),
  'budget:exceeded': warn('A budget is used up.'),
  'state:degraded': warn('The shared store does not answer.'),
  'state:restored': info('The shared store is back.'),
  'config:update': info('The configuration is another one now.'),
  'config:warning': warn('Something in the configuration is odd.'),
  'listener:error': error('A listener failed.'),
};

/**
 * Writes every event to the logger of the configuration that holds at that moment. Without one nothing is listened to, until an update
 * brings one.
 */
export function logEvents(emitter: RouterEmitter, now: () => Pick<RouterConfig, 'logger' | 'clock'>): void {
  const write = createWriter(emitter, now);
  const listen = (): void => {
    for (const name of eventNames) emitter.on(name, (payload) => write(name, payload));
  };
  if (now().logger !== undefined) return listen();
  const onUpdate = (changes: object): void => {
    if (now().logger === undefined) return;
    emitter.off('config:update', onUpdate);
    listen();
    write('config:update', changes);
  };
  emitter.on('config:update', onUpdate);
}

type Write = (name: EventName, payload: object) => void;

/** A logger that fails is told to the listeners once, and never to itself. */
function createWriter(emitter: RouterEmitter, now: () => Pick<RouterConfig, 'logger' | 'clock'>): Write {
  const reported = new WeakSet<Logger>();
  const report = (logger: Logger, event: string, error: unknown): void => {
    if (reported.has(logger)) return;
    reported.add(logger);
    emitter.announce('listener:error', { event, error });
  };
  return (name, payload) => {
    const { logger, clock } = now();
    if (logger === undefined) return;
    const { message } = lines[name];
    try {
      const returned: unknown = logger[levelOf(name, payload)](fieldsOf(name, payload, clock.nowMs()), message);
      if (isThenable(returned)) Promise.resolve(returned).catch((error: unknown) => report(logger, name, error));
    } catch (error) {
      report(logger, name, error);
    }
  };
}

/** What the caller did wrong or ended is no failure of the service. */
function levelOf(name: EventName, payload: object): Level {
  const { level } = lines[name];
  const { aborted, error } = payload as { readonly aborted?: boolean; readonly error?: unknown };
  if (aborted === true) return name === 'attempt:error' ? 'debug' : 'info';
  if (name !== 'request:error') return level;
  return isRouterError(error) && httpStatusOf(error) < 500 ? 'warn' : level;
}

/** What `ms` measures. */
const durations: { readonly [Name in EventName]?: string } = { 'queue:leave': 'waitedMs', 'state:restored': 'awayMs' };

/** Their texts come from callers and servers. */
const foreign: ReadonlySet<string> = new Set(['requestId', 'model', 'caller', 'path', 'warning']);

const masked = createMask({ secrets: [] });

/** A payload as fields of a line: times that a reader can use, errors as data, nothing that is undefined. */
function fieldsOf(event: EventName, payload: object, nowMs: number): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = { event };
  for (const [name, value] of Object.entries(payload)) {
    const [field, shown] = fieldOf(event, name, value, nowMs);
    if (shown !== undefined) fields[field] = foreign.has(field) && typeof shown === 'string' ? masked(shown) : shown;
  }
  return fields;
}

function fieldOf(event: EventName, name: string, value: unknown, nowMs: number): readonly [string, unknown] {
  if (name === 'error') return [name, shownError(value, 'An error that does not come from the router.')];
  if (name === 'message') return ['warning', value];
  if (name === 'event') return ['heard', value];
  if (name === 'untilMs') return ['forMs', tenths((value as number) - nowMs)];
  if (name === 'ms') return [durations[event] ?? 'latencyMs', tenths(value as number)];
  return [name, value];
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
