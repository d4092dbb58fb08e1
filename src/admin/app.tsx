import type { JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { schedule } from './browser.ts';
import { DeskPage } from './desk-page.tsx';
import { Login } from './login.tsx';
import { forgetSession, leftMs, openSession, savedSession, type Session } from './session.ts';

/** The page behind its login. */
export function App(): JSX.Element {
  const [session, setSession] = useState<Session | undefined>(savedSession);
  const [notice, setNotice] = useState('');
  const leave = useCallback((why: string) => {
    forgetSession();
    setSession(undefined);
    setNotice(why);
  }, []);
  useEffect(() => {
    if (session === undefined) return undefined;
    return schedule(leftMs(session), () => leave('You were logged out, because 12 hours are over.'));
  }, [session]);
  if (session === undefined) return <Login notice={notice} onToken={(token) => setSession(openSession(token))} />;
  return <DeskPage token={session.token} onLeave={leave} />;
}
