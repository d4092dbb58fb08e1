/** How Redis begins its errors. Those of a script stand in the middle of the text before version 7. */
const replies =
  /\b(?:READONLY|MOVED|ASK|CLUSTERDOWN|CROSSSLOT|TRYAGAIN|LOADING|OOM|WRONGTYPE|NOAUTH|WRONGPASS|NOPERM|MASTERDOWN|MISCONF|NOREPLICAS|NOSCRIPT|BUSY)\b/;

/** What a failure is, in one word: of it nothing else may be shown, because texts of clients and servers name hosts, users and keys. */
export function faultWord(error: unknown, otherwise = 'ERR'): string {
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
  if (typeof message !== 'string') return otherwise;
  // Who has not given a password yet is not even allowed as many words as a question has.
  return message.includes('unauthenticated') ? 'NOAUTH' : (replies.exec(message)?.[0] ?? otherwise);
}

export function isMissingScript(error: unknown): boolean {
  return faultWord(error) === 'NOSCRIPT';
}

/** Begins with the word. */
export function storeFault(word: string, sentence: string): Error {
  return new Error(`${word} ${sentence}`);
}
