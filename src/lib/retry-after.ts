/** Less than this is no wait at all: a server that asks for it would be called in a tight loop. */
export const minRetryAfterMs: number = 250;
/** Longer waits are cut: a wrong header must not take a provider out for days. */
export const maxRetryAfterMs: number = 300_000;

/**
 * How long the server asks to wait, in milliseconds within [`minRetryAfterMs`, `maxRetryAfterMs`]; undefined where it
 * asks for nothing that can be read: zero, a negative number, a date gone by, words, or a header sent twice.
 * `wallMs` is the time since 1970, for HTTP dates.
 */
export function retryAfterMs(header: (name: string) => string | null, wallMs: number): number | undefined {
  return explicitRetryAfterMs(header, wallMs) ?? rateLimitResetMs(header);
}

/** Only what the server says to this very answer: the limits' own headers come with every answer, good or bad. */
export function explicitRetryAfterMs(header: (name: string) => string | null, wallMs: number): number | undefined {
  return boundedWaitMs(numberOf(header('retry-after-ms'))) ?? boundedWaitMs(retryAfter(header('retry-after'), wallMs));
}

/** The limit that is used up tells the wait; where no header says which one it is, requests come before tokens. */
function rateLimitResetMs(header: (name: string) => string | null): number | undefined {
  const kinds = ['requests', 'tokens'];
  const usedUp = kinds.filter((kind) => header(`x-ratelimit-remaining-${kind}`)?.trim() === '0');
  const names = [...usedUp, ...kinds].map((kind) => `x-ratelimit-reset-${kind}`);
  for (const name of [...names, 'x-ratelimit-reset-after']) {
    const waitMs = boundedWaitMs(durationMs(header(name)));
    if (waitMs !== undefined) return waitMs;
  }
  return undefined;
}

/** Whole milliseconds within the limits; undefined for what is no wait: nothing, zero, less, NaN. */
export function boundedWaitMs(waitMs = 0): number | undefined {
  return waitMs > 0 ? Math.min(Math.max(Math.ceil(waitMs), minRetryAfterMs), maxRetryAfterMs) : undefined;
}

/** Digits with a fraction or an exponent. `Number` alone also reads "", "0x10" and "Infinity". */
function numberOf(value: string | null): number | undefined {
  const digits = value?.trim() ?? '';
  return /^\d+(?:\.\d+)?(?:e\+?\d+)?$/i.test(digits) ? Number(digits) : undefined;
}

const httpDates: readonly RegExp[] = [
  /^[a-z]{3}, \d\d [a-z]{3} \d{4} \d\d:\d\d:\d\d gmt$/i,
  /^[a-z]{6,9}, \d\d-[a-z]{3}-\d\d \d\d:\d\d:\d\d gmt$/i,
];
const oldestHttpDate: RegExp = /^[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i;

/** Seconds, or an HTTP date in one of its three forms. `Date.parse` alone takes "2, 5" for a day in February. */
function retryAfter(value: string | null, wallMs: number): number | undefined {
  const seconds = numberOf(value);
  if (seconds !== undefined) return seconds * 1000;
  const date = value?.trim() ?? '';
  if (httpDates.some((form) => form.test(date))) return Date.parse(date) - wallMs;
  return oldestHttpDate.test(date) ? Date.parse(`${date} GMT`) - wallMs : undefined;
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 };

/** A Go duration (`6m0s`, `20ms`, `1h2m3s`), or a plain number of seconds. */
function durationMs(value: string | null): number | undefined {
  const seconds = numberOf(value);
  if (seconds !== undefined) return seconds * 1000;
  const duration = value?.trim() ?? '';
  if (duration.length > 64) return undefined;
  let totalMs = 0;
  const rest = duration.replaceAll(/(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g, (_part, digits: string, unit: string) => {
    totalMs += Number(digits) * (unitMs[unit] ?? 0);
    return '';
  });
  return rest === '' ? totalMs : undefined;
}
