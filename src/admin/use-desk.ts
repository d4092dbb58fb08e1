import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { AdminSettings, AdminState } from '../http/admin-contract.ts';
import { type Activity, noActivity, withEvents, withGap } from './activity.ts';
import { type Api, createApi } from './api.ts';
import { wallMs } from './browser.ts';
import { followFeed, type Link } from './event-feed.ts';
import { useServerState } from './use-server-state.ts';

/** What all parts of the page work with. */
export interface Desk {
  readonly api: Api;
  /** The last that the server told; undefined before the first time. */
  readonly state: AdminState | undefined;
  /** When that was, on this machine's clock. */
  readonly heardAtMs: number | undefined;
  readonly link: Link;
  readonly activity: Activity;
  /** How far the server's clock is ahead of this machine's. */
  readonly skewMs: number;
  /** Asks for the state now. */
  readonly refresh: () => void;
  /** Takes what the server has just answered to a change. */
  readonly adopt: (settings: AdminSettings) => void;
}

/** Events that change what the state says. */
const changing = /^(?:breaker:|provider:|model:|config:update|failover)/;

export function useDesk(token: string, onRefused: () => void): Desk {
  const api = useMemo(() => createApi(token), [token]);
  const [activity, setActivity] = useState<Activity>(noActivity);
  const [link, setLink] = useState<Link>({ is: 'connecting' });
  const { state, heardAtMs, refresh, adopt } = useServerState(api, onRefused);
  const skewMs = state === undefined || heardAtMs === undefined ? 0 : state.atMs - heardAtMs;
  const skew = useRef(skewMs);
  skew.current = skewMs;
  useEffect(
    () =>
      followFeed(api, {
        onEvents(events) {
          setActivity((before) => withEvents(before, events));
          if (events.some(({ name }) => changing.test(name))) refresh();
        },
        onGap(missed) {
          setActivity((before) => withGap(before, missed, wallMs() + skew.current));
          refresh();
        },
        onLink: setLink,
        onRefused,
      }),
    [api],
  );
  return { api, state, heardAtMs, link, activity, skewMs, refresh, adopt };
}
