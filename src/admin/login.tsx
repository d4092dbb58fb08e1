import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, createApi, wordsOf } from './api.ts';

interface LoginProps {
  /** Why there is no session any more. */
  readonly notice: string;
  readonly onToken: (token: string) => void;
}

export function Login({ notice, onToken }: LoginProps): JSX.Element {
  const [problem, setProblem] = useState(notice);
  const [isAsking, setIsAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    document.title = 'Log in · inferlane';
    field.current?.focus();
  }, []);
  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (isAsking) return;
    setIsAsking(true);
    const found = await refusalOf(token);
    if (found === undefined) return onToken(token);
    setIsAsking(false);
    setProblem(found);
    field.current?.focus();
    field.current?.select();
  };
  return (
    <main class="login">
      <h1 class="wordmark">inferlane</h1>
      <form onSubmit={(event) => void onSubmit(event)}>
        <label for="token">Admin token</label>
        <input
          ref={field}
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-note token-problem"
          required
        />
        <p id="token-note" class="note">
          The one that the handler was given as <code>admin.token</code>. It stays in this tab, for 12 hours or until you log out.
        </p>
        <p id="token-problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary" aria-disabled={isAsking}>
          {isAsking ? 'Asking …' : 'Log in'}
        </button>
      </form>
    </main>
  );
}

const wrongToken = 'That is not the admin token of this server.';

async function refusalOf(token: string): Promise<string | undefined> {
  // A header cannot carry anything else.
  if (!/^[\x21-\x7e]+$/.test(token)) return wrongToken;
  try {
    await createApi(token).state();
    return undefined;
  } catch (error) {
    return error instanceof ApiFailure && error.status === 401 ? wrongToken : wordsOf(error);
  }
}
