import type { Device } from '../config/provider-options.ts';
import { type Score, scoreOf } from '../routing/expected-time.ts';
import type { CandidateFacts } from '../routing/facts.ts';
import type { Candidate } from '../routing/plan.ts';
import { aboutOf, type Ask, type ProviderBooks, elsewhereOf, recentShare } from './provider-facts.ts';
import { loadingMs } from './residency.ts';
import { knownLanes, slotCount } from './slots.ts';
import { expectedFirstMs, timingsOf } from './timings.ts';
import { runningMs } from './under-way.ts';

/** What a provider of a kind needs for its first content, while nothing is known of it. */
const usualFirstMs: Readonly<Record<Device, number>> = { gpu: 500, remote: 1_000, cloud: 1_000, cpu: 5_000 };

/** The time until its first content that is expected of a candidate with these facts. */
export function expectedOf(
  books: ProviderBooks,
  facts: Pick<CandidateFacts, 'model' | 'seenTokens' | 'loadMs' | 'successShare' | 'elsewhere'>,
  { intent, lane, nowMs, verb }: Moment,
  promptTokens: number,
): Score {
  const { config, state } = books;
  const { model: name, seenTokens, loadMs, successShare } = facts;
  const model = state.models.peek(name);
  const lanes = knownLanes(state, model);
  const timings = timingsOf(model.timings, intent);
  const isStream = verb === 'stream';
  const firstMs = timings && expectedFirstMs(timings, isStream, promptTokens, nowMs);
  // What lies in its cache takes it no time.
  const restMs = seenTokens > 0 && timings ? expectedFirstMs(timings, isStream, Math.max(0, promptTokens - seenTokens), nowMs) : firstMs;
  return scoreOf({
    slots: supposed(lanes?.slots ?? slotCount(config, state, name), books),
    inFlight: lanes?.inUse ?? 0,
    waitingAhead: lanes === undefined || lanes.waiting === 0 ? 0 : lanes.ahead(lane, nowMs),
    elsewhere: facts.elsewhere,
    serviceMs: timings?.serviceMs,
    spreadMs: timings?.spreadMs,
    // Of the calls that have these slots.
    runningMs: runningMs(lanes !== undefined && lanes.pool === state.lanes?.pool ? state : model, nowMs),
    firstMs,
    loadMs,
    savedMs: firstMs === undefined || restMs === undefined ? 0 : firstMs - restMs,
    successShare,
    priorMs: usualFirstMs[config.device],
  });
}

/** What a call is, and when. */
type Moment = Pick<Ask, 'intent' | 'lane' | 'nowMs' | 'verb'>;

/** As things stand now; one that was never asked is believed to be as fast as its kind. */
export function expectedNow(books: ProviderBooks, { model: name, seenTokens = 0 }: Candidate, moment: Moment, promptTokens: number): Score {
  const { state, config } = books;
  const { nowMs } = moment;
  const model = state.models.peek(name);
  const loadMs = loadingMs(books, model, aboutOf(books, name, nowMs), nowMs);
  const known = { model: name, seenTokens, loadMs, successShare: recentShare(model, nowMs), elsewhere: elsewhereOf(books, nowMs) };
  const score = expectedOf(books, known, moment, promptTokens);
  return score.isGuess && score.answerMs === 0 ? { ...score, totalMs: score.totalMs + usualFirstMs[config.device] } : score;
}

/** What a server of one's own serves at once, where neither it nor anybody says: without a limit, all calls would crowd at the fastest. */
const supposedSlots = 4;

function supposed(slots: number, { config, state }: ProviderBooks): number {
  if (slots !== Infinity || config.locality === 'cloud') return slots;
  return Math.max(supposedSlots, state.told?.mostRunning ?? 0);
}
