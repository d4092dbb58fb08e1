import type { BreakerRules } from '../../src/breaker/breaker.ts';

export type Word = 'success' | 'failure' | 'refused' | 'soft' | 'abandon';
export interface ReferenceBreaker {
  is(): 'closed' | 'open' | 'half-open';
  untilMs(): number;
  /** The era of the call let in: how many changes of state came before it. Undefined: not let in. */
  admit(nowMs: number, inFlight: number, leaseMs: number): number | undefined;
  settle(era: number, word: Word, nowMs: number, random: number): void;
}

const count = (words: readonly Word[], ...of: Word[]): number => words.filter((word) => of.includes(word)).length;
const inARow = (words: readonly Word[], ...of: Word[]): number => words.length - 1 - words.findLastIndex((word) => !of.includes(word));
/** The rules of the breaker once more, written from the rules alone and as plain as can be: a whole history, searched anew at each step. */
export function referenceBreaker(rules: BreakerRules): ReferenceBreaker {
  let is: 'closed' | 'open' | 'half-open' = 'closed';
  let [era, opened, untilMs, leaseEndMs, closedAtMs] = [0, 0, 0, -Infinity, -Infinity];
  let history: { readonly word: Word; readonly atMs: number }[] = [];
  const limit = (successes: number): number => (closedAtMs === -Infinity || successes >= 4 ? Infinity : 2 ** successes);
  const room = (): number =>
    rules.minimumOutcomes === Infinity ? Infinity : limit(history.filter(({ word }) => word === 'success').length);
  const isBad = (nowMs: number): boolean => {
    const all = history.map(({ word }) => word);
    const last = history.slice(-20).flatMap(({ word, atMs }) => (nowMs - atMs <= rules.windowMs ? [word] : []));
    const hard = all.filter((word) => word !== 'soft');
    if (inARow(all, 'refused') >= rules.failureThreshold) return true;
    if (rules.minimumOutcomes === Infinity) return inARow(hard, 'failure', 'refused') >= rules.failureThreshold;
    if (last.length === 20 && count(last, 'failure', 'refused', 'soft') >= 16) return true;
    if (inARow(hard, 'failure', 'refused') < rules.failureThreshold) return false;
    return last.length < rules.minimumOutcomes || count(last, 'failure', 'refused') / last.length >= rules.failureRatio;
  };
  const open = (nowMs: number, random: number): void => {
    const stretchedMs = Math.min(rules.openMs * 2 ** opened, rules.maxOpenMs) * (1 + rules.jitter * (2 * random - 1));
    [is, era, opened, untilMs] = ['open', era + 1, opened + 1, nowMs + Math.min(stretchedMs, rules.maxOpenMs)];
  };
  return {
    is: () => is,
    untilMs: () => untilMs,
    admit(nowMs, inFlight, leaseMs) {
      if (is === 'closed') return inFlight < room() ? era : undefined;
      if (nowMs < (is === 'open' ? untilMs : leaseEndMs)) return undefined;
      if (is === 'half-open' && leaseEndMs !== -Infinity) opened += 1;
      [is, era, leaseEndMs] = ['half-open', era + 1, nowMs + leaseMs];
      return era;
    },
    settle(from, word, nowMs, random) {
      if (from !== era || is === 'open' || (is === 'closed' && word === 'abandon')) return;
      if (is === 'half-open') {
        if (word === 'success') [is, era, closedAtMs, history] = ['closed', era + 1, nowMs, []];
        else if (word === 'soft' || word === 'abandon') leaseEndMs = -Infinity;
        else open(nowMs, random);
        return;
      }
      const mayFail = room() === Infinity || word === 'soft';
      history.push({ word, atMs: nowMs });
      if (word === 'success' || (mayFail && !isBad(nowMs))) return;
      if (nowMs - closedAtMs > 600_000) opened = 0;
      open(nowMs, random);
    },
  };
}
