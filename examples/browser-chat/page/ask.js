import { token, tokenField } from './elements.js';

/** A fetch with the token where there is one; a refusal becomes an error with the server's own sentence. */
export async function ask(path, options = {}) {
  const headers = {
    ...(options.body && { 'content-type': 'application/json' }),
    ...(token.value && { authorization: `Bearer ${token.value}` }),
  };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) tokenField.hidden = false;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error?.message ?? `The server answered with status ${response.status}.`);
}
