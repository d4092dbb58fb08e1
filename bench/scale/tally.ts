import { percentile, type Stretch, type Whole } from './figures.ts';
import { nowMs, readToken } from './tokens.ts';

/** Looks at every token of every stream: is it the next one, how long did it take, how long since the one before it? */
export interface Tally {
  take(stream: number, text: string): void;
  /** The stream has ended without an error. */
  end(stream: number): void;
  fail(stream: number, error: unknown): void;
  /** How long the newest token took. */
  lateMs(): number;
  /** From here on times are kept, in memory that is there already. */
  begin(): void;
  stop(): Omit<Stretch, 'cpuShare'>;
  whole(): Whole;
}

const mostTroubles = 5;

/** `most`: tokens of a stretch whose times are kept. */
export function createTally(streams: number, most: number): Tally {
  const next = new Int32Array(streams);
  const ended = new Uint8Array(streams);
  const lastAtMs = new Float64Array(streams);
  const gaps = new Float32Array(most);
  const delays = new Float32Array(most);
  const troubles: string[] = [];
  let [gapCount, delayCount, received, inAll] = [0, 0, 0, 0];
  let isCounting = false;
  let newestMs = 0;
  const note = (stream: number, text: string): void => {
    if (troubles.length < mostTroubles) troubles.push(`stream ${stream}: ${text}`);
  };
  const time = (stream: number, atMs: number, delayMs: number): void => {
    const beforeMs = lastAtMs[stream] ?? Number.NaN;
    lastAtMs[stream] = atMs;
    received += 1;
    if (delayCount < most) delays[delayCount++] = delayMs;
    // The first token of a stretch has none before it.
    if (!Number.isNaN(beforeMs) && gapCount < most) gaps[gapCount++] = atMs - beforeMs;
  };
  return {
    take(stream, text) {
      const { sequence, sentAtMs } = readToken(text);
      const expected = next[stream] ?? 0;
      if (sequence !== expected || ended[stream] === 1) note(stream, `"${text}" came in the place of token ${expected}`);
      if (text.endsWith('last')) {
        ended[stream] = 1;
        return;
      }
      next[stream] = sequence + 1;
      inAll += 1;
      const atMs = nowMs();
      newestMs = atMs - sentAtMs;
      if (isCounting) time(stream, atMs, newestMs);
    },
    end(stream) {
      if (ended[stream] !== 1) note(stream, `ended after ${next[stream]} tokens, without the last one`);
    },
    fail: (stream, error) => note(stream, error instanceof Error ? error.message : String(error)),
    lateMs: () => newestMs,
    begin() {
      lastAtMs.fill(Number.NaN);
      [gapCount, delayCount, received] = [0, 0, 0];
      isCounting = true;
    },
    stop() {
      isCounting = false;
      const [gap, delay] = [gaps.subarray(0, gapCount).sort(), delays.subarray(0, delayCount).sort()];
      return {
        gapP50Ms: percentile(gap, 0.5),
        gapP99Ms: percentile(gap, 0.99),
        delayP50Ms: percentile(delay, 0.5),
        delayP99Ms: percentile(delay, 0.99),
        delayMaxMs: percentile(delay, 1),
        received,
      };
    },
    whole() {
      const silent = ended.indexOf(0);
      if (silent !== -1) note(silent, 'has not ended');
      return { received: inAll, troubles };
    },
  };
}
