/** Says which of the tokens was given, by its index; undefined where none was. */
export type TokenMatch = (given: string) => Promise<number | undefined>;

/**
 * Compares digests, all of them to their last byte: neither the length nor the beginning of a token shows in the time that a refusal
 * takes.
 */
export function matchTokens(tokens: readonly string[]): TokenMatch {
  const known = Promise.all(tokens.map(digest));
  return async (given) => indexOfDigest(await digest(given), await known);
}

/** Looks at every byte of every digest, wherever they begin to differ. */
export function indexOfDigest(asked: Uint8Array, known: readonly Uint8Array[]): number | undefined {
  let match: number | undefined;
  for (const [index, each] of known.entries()) {
    if (isSame(asked, each)) match = index;
  }
  return match;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  let difference = 0;
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 256);
  return difference === 0;
}

/** The token of an `Authorization` header, or of Anthropic's `x-api-key`; undefined where there is none, or more than one. */
export function tokenOf(headers: Headers): string | undefined {
  const authorization = headers.get('authorization');
  const key = headers.get('x-api-key');
  if (authorization !== null && key !== null) return undefined;
  if (authorization === null) return key === null || key === '' || key.includes(',') ? undefined : bounded(key);
  const token = /^Bearer +([\x21-\x2b\x2d-\x7e]+)$/i.exec(authorization.length > 5_000 ? '' : authorization)?.[1];
  return token === undefined ? undefined : bounded(token);
}

function bounded(token: string): string | undefined {
  return token.length > 4_096 ? undefined : token;
}
