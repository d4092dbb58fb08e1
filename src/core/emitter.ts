import type { EventEmitter } from 'eventemitter3';
import type { Announce, EventName, Listener } from './events.ts';
import { isThenable } from './thenable.ts';

export interface RouterEmitter {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  once<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  off<Name extends EventName>(name: Name, listener: Listener<Name>): void;
  announce: Announce;
}

type AnyListener = (payload: unknown) => unknown;

/**
 * Isolates listeners from the router and from each other: one that throws or rejects is reported once as
 * `listener:error` and goes on being called. The emitter is passed in, so that this folder needs no package at run time.
 */
export function createEmitter(emitter: EventEmitter): RouterEmitter {
  const reported = new WeakSet<AnyListener>();
  const onceNames = new Set<string>();

  const report = (name: string, listener: AnyListener, error: unknown): void => {
    if (reported.has(listener)) return;
    reported.add(listener);
    announce('listener:error', { event: name, error });
  };

  const call = (name: string, listener: AnyListener, payload: unknown): void => {
    try {
      const result = listener(payload);
      if (isThenable(result)) Promise.resolve(result).catch((error: unknown) => report(name, listener, error));
    } catch (error) {
      report(name, listener, error);
    }
  };

  const announce: Announce = (name, payload) => {
    if (emitter.listenerCount(name) === 0) return;
    for (const listener of emitter.listeners(name) as AnyListener[]) {
      // Those before it may have taken it out, or used it up through an event of their own.
      if (!emitter.listeners(name).includes(listener)) continue;
      if (onceNames.has(name)) emitter.off(name, listener, undefined, true);
      call(name, listener, payload);
    }
  };

  return {
    on: (name, listener) => void emitter.on(name, listener),
    once: (name, listener) => {
      onceNames.add(name);
      emitter.once(name, listener);
    },
    off: (name, listener) => void emitter.off(name, listener),
    announce,
  };
}
