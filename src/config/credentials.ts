/** Blanks, line ends, quotes, byte order mark and zero-width characters: what pasting and `.env` files leave around a key. */
const strayStart = /^[\s"'`\u200B-\u200D\u2060\uFEFF]+/;
const strayEnd = /[\s"'`\u200B-\u200D\u2060\uFEFF]+$/;

export type CleanKey = { readonly key: string; readonly cleaned: boolean } | { readonly problem: string };

/** A key as it can stand in a header. A problem's text never shows any of it. */
export function cleanKey(text: string): CleanKey {
  // The end is cut by hand: a pattern anchored there alone takes quadratic time over a long run of blanks in the middle.
  const key = cutEnd(text.replace(strayStart, ''));
  if (key === '') return { problem: 'is empty; give the key, or leave the option out' };
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return { problem: 'holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"' };
  }
  return { key, cleaned: key !== text };
}

function cutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && strayEnd.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

export const keyWasCleaned = 'the key had blanks, quotes or invisible characters around it; they were removed';

/** Headers that describe the connection or the body, which only the transport knows. */
const transportHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * What is wrong with the name of a header, or undefined. The text does not show the name: a whole header line pasted as
 * a name would be a secret.
 */
export function headerNameProblem(name: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'one of the names is no header name: letters, digits and dashes only, the value apart';
  if (transportHeaders.has(name.toLowerCase())) return `"${name.toLowerCase()}" is set by the transport; leave it out`;
  return undefined;
}

/** What is wrong with the value of a header, or undefined. */
export function headerValueProblem(value: string): string | undefined {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return undefined;
  return 'holds a line end, a control character or one outside Latin-1, which a header cannot carry';
}

/** The `authorization` header of a user name and a password, as HTTP's Basic scheme wants it (RFC 7617, UTF-8). */
export function basicAuthorization(userName: string, password: string): string {
  const bytes = new TextEncoder().encode(`${userName}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
