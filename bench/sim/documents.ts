import { type Chance, zipfWeights } from './chance.ts';
import type { SimClock } from './clock.ts';
import { newRequest, type SimRequest } from './request.ts';
import { drawTokens, type Lengths, textOf, type Workload } from './workload.ts';

/** Questions about documents, each sent with the whole document before it. Few of them are asked about by most, by Zipf's law. */
export interface Documents {
  readonly count: number;
  readonly perSecond: number;
  readonly model: string;
  readonly documents: number;
  readonly documentTokens: number;
  readonly question: Lengths;
  readonly answer: Lengths;
}

export function aboutDocuments(load: Documents, clock: SimClock, chance: Chance): Workload {
  const { model, count, perSecond, documents, documentTokens } = load;
  const popularity = zipfWeights(documents, 1.1);
  const texts = popularity.map((_, index) => textOf(`Document ${index}`, documentTokens));
  const known = new Set<number>();
  let sent = 0;
  let settled = 0;
  const draw = (): SimRequest => {
    const about = chance.zipf(popularity);
    const questionTokens = drawTokens(chance, load.question);
    const sharedTokens = known.has(about) ? documentTokens : 0;
    known.add(about);
    return newRequest({
      id: sent,
      arrivedMs: clock.nowMs(),
      model,
      intent: 'fast',
      promptTokens: documentTokens + questionTokens,
      answerTokens: drawTokens(chance, load.answer),
      session: `document ${about}`,
      sharedTokens,
      messages: [
        { role: 'system', content: texts[about] as string },
        { role: 'user', content: textOf(`question ${sent}`, questionTokens) },
      ],
    });
  };
  return {
    begin(send) {
      const next = (): void => {
        send(draw());
        sent += 1;
        if (sent < count) clock.at(chance.exponential(1_000 / perSecond), next);
      };
      clock.at(chance.exponential(1_000 / perSecond), next);
    },
    settled: () => void (settled += 1),
    isOver: () => settled === count,
  };
}
