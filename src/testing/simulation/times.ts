import type { TracedAttempt, TracedCall, TracedProvider } from './trace.ts';

/** How long one answer took, and what it was the answer to. */
interface Sample {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Streams only. */
  readonly firstMs: number | undefined;
  readonly ms: number;
}

/** What an answer is asked for. */
interface Wanted {
  readonly verb: TracedCall['verb'];
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Calls under way there, this one included. */
  readonly load: number;
  /** Nobody has asked for the model of late, and its server loads models when they are asked for. */
  readonly isCold: boolean;
}

export interface Service {
  /** Until the first content of a stream; of a whole answer all of it. */
  readonly firstMs: number;
  readonly restMs: number;
}

/** How long servers took, by what was asked of them; see `learnTimes`. */
export interface Times {
  /** Undefined where nothing is known of the provider. */
  draw(provider: string, model: string | undefined, wanted: Wanted, random: () => number): Service | undefined;
}

/** Servers that load on demand unload what nobody has asked for so long; Ollama's default. */
export const keptMs = 300_000;

/** An answer, or a failure, at its place in time. */
export interface Seen {
  readonly call: TracedCall;
  readonly attempt: TracedAttempt;
  readonly atMs: number;
}

/** All attempts, by their beginning. */
export function attemptsOf(calls: readonly TracedCall[]): readonly Seen[] {
  const all = calls.flatMap((call) => call.attempts.map((attempt) => ({ call, attempt, atMs: call.at + attempt.startMs })));
  return all.toSorted((left, right) => left.atMs - right.atMs);
}

/**
 * Empirical: a replayed answer takes as long as one of the trace, drawn from those of the same provider and model that were about as
 * large, while about as many others were under way. What is left of the answer after its first content goes by its tokens.
 */
export function learnTimes(seen: readonly Seen[], providers: ReadonlyMap<string, TracedProvider>): Times {
  const books = new Map<string, Book>();
  const loads = loadsOf(seen);
  const servedMs = new Map<string, number>();
  seen.forEach(({ call, attempt, atMs }, index) => {
    if (attempt.error !== undefined || call.outcome !== 'answered') return;
    const key = keyOf(attempt.provider, attempt.model);
    const isCold = providers.get(attempt.provider)?.loadsOnDemand === true && atMs - (servedMs.get(key) ?? -Infinity) > keptMs;
    servedMs.set(key, Math.max(servedMs.get(key) ?? -Infinity, atMs + attempt.ms));
    const { promptTokens, verb, usage } = call;
    const sample = { promptTokens, answerTokens: usage?.answerTokens ?? 0, firstMs: attempt.firstContentMs, ms: attempt.ms };
    const place = placeOf({ verb, promptTokens, answerTokens: sample.answerTokens, load: loads[index] ?? 1, isCold });
    // Of a model that was never asked there, the others of the provider tell most.
    for (const name of [key, keyOf(attempt.provider, undefined)]) bookOf(books, name).add(place, sample);
  });
  return {
    draw(provider, model, wanted, random) {
      const book = books.get(keyOf(provider, model)) ?? books.get(keyOf(provider, undefined));
      const found = book?.near(placeOf(wanted));
      if (found === undefined) return undefined;
      const sample = found.samples[Math.floor(random() * found.samples.length)] as Sample;
      return serviceOf(sample, wanted, found.isSame);
    },
  };
}

export function keyOf(provider: string, model: string | undefined): string {
  return `${provider}\n${model ?? ''}`;
}

function bookOf(books: Map<string, Book>, key: string): Book {
  const book = books.get(key) ?? createBook();
  books.set(key, book);
  return book;
}

/** For each attempt, how many of its provider were under way when it began, itself included. */
function loadsOf(seen: readonly Seen[]): readonly number[] {
  const ends = new Map<string, number[]>();
  for (const { attempt, atMs } of seen) {
    const list = ends.get(attempt.provider) ?? [];
    list.push(atMs + attempt.ms);
    ends.set(attempt.provider, list);
  }
  for (const list of ends.values()) list.sort((left, right) => left - right);
  const counts = new Map<string, { begun: number; ended: number }>();
  return seen.map(({ attempt, atMs }) => {
    const count = counts.get(attempt.provider) ?? { begun: 0, ended: 0 };
    counts.set(attempt.provider, count);
    const list = ends.get(attempt.provider) as number[];
    count.begun += 1;
    while (count.ended < count.begun - 1 && (list[count.ended] as number) <= atMs) count.ended += 1;
    return count.begun - count.ended;
  });
}

/** Where a sample stands: the steps are powers of two, of the load single calls up to eight. */
type Place = readonly [verb: number, cold: number, load: number, prompt: number, answer: number];

const verbs = ['stream', 'chat', 'embed'];

function placeOf({ verb, isCold, load, promptTokens, answerTokens }: Wanted): Place {
  const loadStep = load <= 8 ? load : 8 + Math.round(4 * Math.log2(load / 8));
  return [verbs.indexOf(verb), Number(isCold), loadStep, step(promptTokens), step(answerTokens)];
}

function step(tokens: number): number {
  return Math.round(Math.log2(1 + tokens));
}

/** What separates two places: another verb most, then a model that has to be loaded, then the load. */
function distance(left: Place, right: Place): number {
  const weights = [1_000, 200, 2, 1, 1];
  return weights.reduce((sum, weight, index) => sum + weight * Math.abs((left[index] as number) - (right[index] as number)), 0);
}

interface Book {
  add(place: Place, sample: Sample): void;
  near(place: Place): { readonly samples: readonly Sample[]; readonly isSame: boolean } | undefined;
}

function createBook(): Book {
  const samples = new Map<string, { readonly place: Place; readonly list: Sample[] }>();
  const nearest = new Map<string, readonly Sample[]>();
  return {
    add(place, sample) {
      const key = place.join();
      const known = samples.get(key);
      if (known === undefined) samples.set(key, { place, list: [sample] });
      else known.list.push(sample);
    },
    near(place) {
      const key = place.join();
      const same = samples.get(key);
      if (same !== undefined) return { samples: same.list, isSame: true };
      let found = nearest.get(key);
      if (found === undefined) {
        const all = [...samples.values()];
        if (all.length === 0) return undefined;
        found = all.reduce((best, next) => (distance(next.place, place) < distance(best.place, place) ? next : best)).list;
        nearest.set(key, found);
      }
      return { samples: found, isSame: false };
    },
  };
}

/** A prompt token costs about an eighth of an answer token, where nothing better is known. */
const promptShare = 1 / 8;

function serviceOf(sample: Sample, { verb, promptTokens, answerTokens }: Wanted, isSame: boolean): Service {
  const perAnswer = sample.answerTokens > 0 && answerTokens > 0 ? answerTokens / sample.answerTokens : 1;
  const { firstMs, ms } = sample;
  if (verb === 'stream' && firstMs !== undefined) {
    const perPrompt = isSame ? 1 : (promptTokens + 256) / (sample.promptTokens + 256);
    return { firstMs: firstMs * perPrompt, restMs: (ms - firstMs) * perAnswer };
  }
  const size = promptTokens * promptShare + answerTokens;
  const sampleSize = sample.promptTokens * promptShare + sample.answerTokens;
  return { firstMs: isSame || sampleSize === 0 ? ms : (ms * (size + 16)) / (sampleSize + 16), restMs: 0 };
}
