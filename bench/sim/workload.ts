import type { ChatMessage } from '../../src/index.ts';
import { type Chance, zipfWeights } from './chance.ts';
import type { SimClock } from './clock.ts';
import { newRequest, type SimRequest } from './request.ts';

/** Lengths in tokens: a log-normal distribution with this median, cut off at `most`. */
export interface Lengths {
  readonly median: number;
  /** Standard deviation of the logarithm. */
  readonly spread: number;
  readonly most: number;
}

/** Requests that come one by one, whatever becomes of those before. */
export interface OpenLoad {
  readonly count: number;
  readonly perSecond: number;
  /** For a while three times as many come, and then for four times as long half as many. */
  readonly bursts?: boolean;
  /** Most asked for first, by Zipf's law. */
  readonly models: readonly string[];
  readonly kinds: readonly RequestKind[];
}

export interface RequestKind {
  readonly intent: string;
  readonly share: number;
  readonly prompt: Lengths;
  readonly answer: Lengths;
}

/** Conversations: each turn sends all that was said before, some time after the answer. */
export interface Conversations {
  readonly sessions: number;
  readonly perSecond: number;
  readonly model: string;
  /** The same for all. */
  readonly systemTokens: number;
  readonly turns: Lengths;
  readonly question: Lengths;
  readonly answer: Lengths;
  readonly thinkMs: number;
}

/** Hands out requests when their time has come. `settled` says that one has ended, for those who wait for it. */
export interface Workload {
  begin(send: (request: SimRequest) => void): void;
  settled(request: SimRequest): void;
  isOver(): boolean;
}

export function meanOf({ median, spread }: Lengths): number {
  return median * Math.exp(spread ** 2 / 2);
}

export function drawTokens(chance: Chance, { median, spread, most }: Lengths): number {
  return Math.max(1, Math.min(most, Math.round(chance.logNormal(median, spread))));
}

const burst = { factor: 3, meanMs: 20_000 };
const lull = { factor: 0.5, meanMs: 80_000 };

export function openLoad(load: OpenLoad, clock: SimClock, chance: Chance): Workload {
  const popularity = zipfWeights(load.models.length, 1.1);
  const shares = load.kinds.map(({ share }) => share);
  let sent = 0;
  let settled = 0;
  let phase = lull;
  let phaseEndsMs = 0;
  const rate = (): number => {
    if (load.bursts !== true) return load.perSecond;
    if (clock.nowMs() >= phaseEndsMs) {
      phase = phase === burst ? lull : burst;
      phaseEndsMs = clock.nowMs() + chance.exponential(phase.meanMs);
    }
    return load.perSecond * phase.factor;
  };
  const draw = (): SimRequest => {
    const { intent, prompt, answer } = load.kinds[load.kinds.length === 1 ? 0 : chance.zipf(shares)] as RequestKind;
    const promptTokens = drawTokens(chance, prompt);
    return newRequest({
      id: sent,
      arrivedMs: clock.nowMs(),
      model: load.models[load.models.length === 1 ? 0 : chance.zipf(popularity)] as string,
      intent,
      promptTokens,
      answerTokens: drawTokens(chance, answer),
      session: undefined,
      sharedTokens: 0,
      messages: [{ role: 'user', content: textOf(`request ${sent}`, promptTokens) }],
    });
  };
  return {
    begin(send) {
      const next = (): void => {
        send(draw());
        sent += 1;
        if (sent < load.count) clock.at(chance.exponential(1_000 / rate()), next);
      };
      clock.at(chance.exponential(1_000 / rate()), next);
    },
    settled: () => void (settled += 1),
    isOver: () => settled === load.count,
  };
}

interface Turn {
  readonly questionTokens: number;
  readonly answerTokens: number;
  readonly thinkMs: number;
}

/** Everything random is drawn beforehand: turns come when the answer before is there, which differs from policy to policy. */
export function conversations(load: Conversations, clock: SimClock, chance: Chance): Workload {
  const system: ChatMessage = { role: 'system', content: textOf('You are of help', load.systemTokens) };
  const goOn = new Map<string, () => void>();
  let left = load.sessions;
  let made = 0;
  const converse = (session: string, turns: readonly Turn[], send: (request: SimRequest) => void): void => {
    const messages: ChatMessage[] = [system];
    let tokens = load.systemTokens;
    let index = 0;
    const ask = (): void => {
      const { questionTokens, answerTokens, thinkMs } = turns[index] as Turn;
      const sharedTokens = index === 0 ? 0 : tokens;
      messages.push({ role: 'user', content: textOf(`${session}, question ${index}`, questionTokens) });
      const promptTokens = tokens + questionTokens;
      const arrivedMs = clock.nowMs();
      goOn.set(session, () => {
        messages.push({ role: 'assistant', content: textOf(`${session}, answer ${index}`, answerTokens) });
        tokens = promptTokens + answerTokens;
        index += 1;
        if (index < turns.length) clock.at(thinkMs, ask);
        else left -= 1;
      });
      const { model } = load;
      const all = { id: made++, arrivedMs, model, intent: 'fast', promptTokens, answerTokens, session, sharedTokens };
      send(newRequest({ ...all, messages: [...messages] }));
    };
    ask();
  };
  const draw = (): Turn[] =>
    Array.from({ length: drawTokens(chance, load.turns) }, () => ({
      questionTokens: drawTokens(chance, load.question),
      answerTokens: drawTokens(chance, load.answer),
      thinkMs: chance.exponential(load.thinkMs),
    }));
  return {
    begin(send) {
      let atMs = 0;
      for (let index = 0; index < load.sessions; index++) {
        atMs += chance.exponential(1_000 / load.perSecond);
        const turns = draw();
        clock.at(atMs, () => converse(`session ${index}`, turns, send));
      }
    },
    settled: ({ session = '' }) => goOn.get(session)?.(),
    isOver: () => left === 0,
  };
}

const charactersPerToken = 4;
const filler = 'All that was to be said about this is said here, at the length that it takes. '.repeat(2_000);

/** A text of about so many tokens that begins as no other does. */
export function textOf(beginning: string, tokens: number): string {
  return `${beginning}. ${filler.slice(0, Math.max(0, tokens * charactersPerToken - beginning.length))}`;
}
