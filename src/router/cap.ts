import type { Clock } from '../lib/clock.ts';
import type { Sum } from '../state/store.ts';

/** What a budget concerns. */
export interface CapAbout {
  readonly scope: 'all' | 'provider' | 'caller';
  readonly provider: string | undefined;
  readonly caller: string | undefined;
  readonly per: 'hour' | 'day';
}

/** One budget for the hour or day of now: what is known of all processes, and what is this one's own. */
export interface Cap extends CapAbout {
  readonly name: string;
  readonly windowMs: number;
  limitUsd: number;
  /** As the store last told; without one, all that was spent. */
  toldUsd: number;
  /** Spent here, and not told yet. */
  freshUsd: number;
  /** On its way to the store. */
  sendingUsd: number;
  /** The most that calls under way may cost. */
  reservedUsd: number;
  /** When its hour or day is over, on our wall clock. */
  endsAtWallMs: number;
  /** The window whose warning, and whose end, was told: by its end. */
  warnedMs: number;
  exceededMs: number;
  /** Somebody wanted to know since the store was last asked. */
  isWatched: boolean;
}

const windowsMs = { hour: 3_600_000, day: 86_400_000 } as const;

export function newCap(about: CapAbout, limitUsd: number, wallMs: number): Cap {
  const windowMs = windowsMs[about.per];
  const whose = about.caller ?? about.provider;
  return {
    ...about,
    name: ['budget', about.scope, ...(whose === undefined ? [] : [whose]), about.per].join(':'),
    windowMs,
    limitUsd,
    toldUsd: 0,
    freshUsd: 0,
    sendingUsd: 0,
    reservedUsd: 0,
    endsAtWallMs: (Math.floor(wallMs / windowMs) + 1) * windowMs,
    warnedMs: -Infinity,
    exceededMs: -Infinity,
    isWatched: true,
  };
}

/** Begins the next window where this one is over. Windows of the store's clock keep their place on ours. */
export function roll(cap: Cap, wallMs: number): void {
  if (wallMs < cap.endsAtWallMs) return;
  cap.endsAtWallMs += Math.ceil((wallMs - cap.endsAtWallMs + 1) / cap.windowMs) * cap.windowMs;
  cap.toldUsd = 0;
  cap.freshUsd = 0;
}

export function spentOf({ toldUsd, freshUsd, sendingUsd }: Readonly<Cap>): number {
  return toldUsd + freshUsd + sendingUsd;
}

/**
 * What keeps another call away: all of it was spent, or what this process has not told yet and may still spend reaches its part of the
 * rest. So no process spends more of it than one call's cost too much.
 */
export function shutBy(cap: Readonly<Cap>, parts: number): 'spent' | 'under-way' | undefined {
  const { limitUsd, toldUsd, freshUsd, sendingUsd, reservedUsd } = cap;
  if (spentOf(cap) >= limitUsd) return 'spent';
  return freshUsd + sendingUsd + reservedUsd >= (limitUsd - toldUsd) / parts ? 'under-way' : undefined;
}

/** What the store counts, so that sums are whole numbers. */
const perUsd = 1_000_000_000;

/** Takes what was not told yet to be sent. */
export function takeFresh(cap: Cap): { readonly usd: number; readonly amount: number } {
  const usd = cap.freshUsd;
  cap.sendingUsd += usd;
  cap.freshUsd = 0;
  cap.isWatched = false;
  return { usd, amount: Math.round(usd * perUsd) };
}

/** The store answered with the sum of all; undefined: it did not. */
export function takeAnswer(cap: Cap, sentUsd: number, told: Sum | undefined, clock: Clock): void {
  cap.sendingUsd = Math.max(0, cap.sendingUsd - sentUsd);
  if (told === undefined) {
    cap.freshUsd += sentUsd;
    return;
  }
  const endsAtWallMs = clock.wallMs() + told.leftMs;
  const isSame = Math.abs(endsAtWallMs - cap.endsAtWallMs) < cap.windowMs / 2;
  const totalUsd = told.total / perUsd;
  // A store that has lost its data knows less than we do.
  cap.toldUsd = isSame ? Math.max(totalUsd, cap.toldUsd + sentUsd) : totalUsd;
  cap.endsAtWallMs = endsAtWallMs;
}

/** Told once for each window, though its end moves by the time that answers take. */
export function isTold(cap: Readonly<Cap>, toldMs: number): boolean {
  return Math.abs(cap.endsAtWallMs - toldMs) < cap.windowMs / 2;
}

/** `$5.00 a day for the caller "web"`. */
export function capText({ scope, provider, caller, per, limitUsd }: Readonly<Cap>): string {
  const whose = scope === 'all' ? '' : ` for the ${scope}${scope === 'caller' ? ` "${caller}"` : ` "${provider}"`}`;
  const usd = limitUsd < 0.01 ? limitUsd.toPrecision(2) : limitUsd.toFixed(2);
  return `$${usd} ${per === 'hour' ? 'an hour' : 'a day'}${whose}`;
}

/** To the minute, in UTC. */
export function untilText({ endsAtWallMs }: Readonly<Cap>): string {
  const minuteMs = 60_000;
  return new Date(Math.round(endsAtWallMs / minuteMs) * minuteMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/:\d\d\.\d+Z$/, ' UTC');
}
