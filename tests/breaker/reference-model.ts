import type { BreakerRules } from '../../src/breaker/breaker.ts';
export type Word = 'success' | 'failure' | 'refused' | 'soft' | 'abandon';
export interface ReferenceBreaker {
  is(): 'closed' | 'open' | 'half-open';
  untilMs(): number;
  /** The era of the call let in: how many changes of state came before it. Undefined: not let in. */
  admit(nowMs: number, inFlight: number, leaseMs: number, early?: boolean): number | undefined;
  settle(era: number, word: Word, nowMs: number, random: number): void;
  /** It was asked how it is. */
  sign(type: 'well' | 'dead', nowMs: number, random: number): void;
}
const bad: readonly Word[] = ['failure', 'refused', 'soft'];
const inARow = (all: readonly Word[], of: readonly Word[]): number => all.length - 1 - all.findLastIndex((word) => !of.includes(word));
const climb = (steps: number, word: Word): number => (steps === 4 || word === 'soft' ? steps : word === 'success' ? steps + 1 : 0);
/** The rules of the breaker once more, written from the rules alone and as plain as can be: a whole history, searched anew at each step. */
export function referenceBreaker(rules: BreakerRules): ReferenceBreaker {
  let is: 'closed' | 'open' | 'half-open' = 'closed';
  let [era, opened, untilMs, leaseEndMs, closedAtMs] = [0, 0, 0, -Infinity, -Infinity];
  let history: { readonly word: Word; readonly atMs: number }[] = [];
  const room = (): number => {
    const steps = history.reduce((climbed, { word }) => climb(climbed, word), 0);
    return rules.minimumOutcomes === Infinity || closedAtMs === -Infinity || steps === 4 ? Infinity : 2 ** steps;
  };
  const isBad = (nowMs: number): boolean => {
    const words = history.map(({ word }) => word);
    const told = words.filter((word) => word !== 'soft');
    const failed = inARow(told, bad) >= rules.failureThreshold;
    const last = history.slice(-20).filter(({ atMs }) => nowMs - atMs <= rules.windowMs);
    const share = last.filter(({ word }) => bad.includes(word)).length / last.length;
    if (inARow(words, ['refused']) >= rules.failureThreshold) return true;
    if (rules.minimumOutcomes === Infinity) return failed;
    return (last.length === 20 && share >= 0.8) || (failed && (last.length < rules.minimumOutcomes || share >= rules.failureRatio));
  };
  const open = (nowMs: number, random: number): void => {
    const stretchedMs = Math.min(rules.openMs * 2 ** opened, rules.maxOpenMs) * (1 + rules.jitter * (2 * random - 1));
    [is, era, opened, untilMs] = ['open', era + 1, opened + 1, nowMs + Math.min(stretchedMs, rules.maxOpenMs)];
  };
  return {
    is: () => is,
    untilMs: () => untilMs,
    admit(nowMs, inFlight, leaseMs, early = false) {
      if (is === 'closed') return inFlight < room() ? era : undefined;
      if (is === 'open' ? nowMs < untilMs && !early : nowMs < leaseEndMs) return undefined;
      if (is === 'open' && nowMs < untilMs) opened = Math.max(0, opened - 1);
      if (is === 'half-open' && leaseEndMs !== -Infinity) opened += 1;
      [is, era, leaseEndMs] = ['half-open', era + 1, nowMs + leaseMs];
      return era;
    },
    sign(type, nowMs, random) {
      if (type === 'well') untilMs = Math.min(untilMs, nowMs);
      if (type === 'well' || is !== 'closed') return;
      if (nowMs - closedAtMs >= 600_000) opened = 0;
      open(nowMs, random);
    },
    settle(from, word, nowMs, random) {
      if (from !== era || is === 'open' || (is === 'closed' && word === 'abandon')) return;
      if (is === 'half-open') {
        if (word === 'success') [is, era, closedAtMs, history] = ['closed', era + 1, nowMs, []];
        else if (word === 'soft' || word === 'abandon') leaseEndMs = -Infinity;
        return word === 'failure' || word === 'refused' ? open(nowMs, random) : undefined;
      }
      history.push({ word, atMs: nowMs });
      if (word === 'success' || !isBad(nowMs)) return;
      if (nowMs - closedAtMs >= 600_000) opened = 0;
      open(nowMs, random);
    },
  };
}
