/** Whether a text may be the id of a provider or the name of an intent: the router's own options hold no others. */
export function isRouterName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}

/** As the caller reads it after the field or header. */
export const mustBeRouterName = 'must be one name, 64 characters at most';
