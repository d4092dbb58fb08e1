import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { schedule, wallMs } from './browser.ts';
import { clockTime, relativeTime } from './figures.ts';

/** The server's clock, which turns each second. */
const Now = createContext(0);

export function NowProvider({ skewMs, children }: { readonly skewMs: number; readonly children: ComponentChildren }): JSX.Element {
  const [nowMs, setNowMs] = useState(wallMs);
  useEffect(() => schedule(1_000 - (wallMs() % 1_000), () => setNowMs(wallMs())), [nowMs]);
  return <Now.Provider value={nowMs + skewMs}>{children}</Now.Provider>;
}

export function useNow(): number {
  return useContext(Now);
}

/** A moment as `14:03:22 (in 42 s)`; `only` shows one of both. */
export function Moment({ atMs, only }: { readonly atMs: number; readonly only?: 'clock' | 'relative' }): JSX.Element {
  const nowMs = useNow();
  const text =
    only === undefined
      ? `${clockTime(atMs, nowMs)} (${relativeTime(atMs, nowMs)})`
      : only === 'clock'
        ? clockTime(atMs, nowMs)
        : relativeTime(atMs, nowMs);
  return (
    <time class="figure" dateTime={new Date(atMs).toISOString()} title={clockTime(atMs, nowMs)}>
      {text}
    </time>
  );
}
