import type { RouterOptions } from '../index.ts';
import type { AdminChange, AdminOptions } from './admin-options.ts';
import type { HandlerConfig } from './handler-options.ts';
import { tellLog } from './tell-log.ts';

/** What the admin page of one handler keeps between its requests. */
export interface Desk {
  readonly startedAtMs: number;
  /** What the router runs on: as it was made, with every change of the page since. */
  options: RouterOptions;
  /** Streams of events that are open. */
  readers: number;
}

interface Kept extends Desk {
  /** What the application gave: another object says that it has updated the router itself. */
  given: RouterOptions;
}

const desks = new WeakMap<AdminOptions, Kept>();

export function deskOf({ admin, clock }: HandlerConfig): Desk {
  if (admin === undefined) throw new Error('There is no admin page.');
  const given = admin.options;
  const known = desks.get(admin);
  if (known === undefined) {
    const desk: Kept = { startedAtMs: clock.wallMs(), options: given, given, readers: 0 };
    desks.set(admin, desk);
    return desk;
  }
  if (known.given !== given) Object.assign(known, { given, options: given });
  return known;
}

export function tellChange({ admin, clock }: HandlerConfig, change: Omit<AdminChange, 'atMs'>): void {
  tellLog(() => admin?.onChange?.({ atMs: clock.wallMs(), ...change }));
}
