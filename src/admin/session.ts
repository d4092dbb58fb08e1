import { keep, kept, wallMs } from './browser.ts';

/** The token of the admin page, and since when it is used here. */
export interface Session {
  readonly token: string;
  readonly sinceMs: number;
}

const longestSessionMs = 43_200_000;
const name = 'inferlane-admin';

export function openSession(token: string): Session {
  const session: Session = { token, sinceMs: wallMs() };
  keep(name, JSON.stringify(session));
  return session;
}

export function forgetSession(): void {
  keep(name, undefined);
}

/** The one of before this page was loaded again; undefined where there was none, or its time is over. */
export function savedSession(): Session | undefined {
  const session = readSession(kept(name));
  if (session !== undefined && leftMs(session) > 0) return session;
  forgetSession();
  return undefined;
}

/** A clock that was set back makes no session longer. */
export function leftMs({ sinceMs }: Session): number {
  const ageMs = wallMs() - sinceMs;
  return ageMs < 0 ? 0 : longestSessionMs - ageMs;
}

function readSession(text: string | undefined): Session | undefined {
  if (text === undefined) return undefined;
  try {
    const { token, sinceMs } = JSON.parse(text) as Partial<Session>;
    return typeof token === 'string' && typeof sinceMs === 'number' ? { token, sinceMs } : undefined;
  } catch {
    return undefined;
  }
}
