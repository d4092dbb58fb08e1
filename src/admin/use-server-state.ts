import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { AdminSettings, AdminState } from '../http/admin-contract.ts';
import type { Api } from './api.ts';
import { wallMs } from './browser.ts';
import { pollState, type StatePoll } from './state-poll.ts';

interface Heard {
  readonly state: AdminState | undefined;
  readonly heardAtMs: number | undefined;
}

export interface ServerState extends Heard {
  /** Asks again at once. */
  readonly refresh: () => void;
  /** Takes what the server has just answered to a change, and asks for the rest. */
  readonly adopt: (settings: AdminSettings) => void;
}

/** The state of the server, as of now. */
export function useServerState(api: Api, onRefused: () => void): ServerState {
  const [heard, setHeard] = useState<Heard>({ state: undefined, heardAtMs: undefined });
  const poll = useRef<StatePoll | undefined>(undefined);
  useEffect(() => {
    const begun = pollState(api, (state) => setHeard({ state, heardAtMs: wallMs() }), onRefused);
    poll.current = begun;
    return () => begun.end();
  }, [api]);
  const refresh = useCallback(() => poll.current?.wake(), []);
  const adopt = useCallback((settings: AdminSettings) => {
    setHeard((before) => (before.state === undefined ? before : { ...before, state: { ...before.state, settings } }));
    refresh();
  }, []);
  return { ...heard, refresh, adopt };
}
