import { median } from '../median.ts';
import { checkedChat } from './checks.ts';
import { figure, figuresAlone, nowMicros, type Scenario } from './scenario.ts';

const calls = 20;
/** Not counted: connections are opened, and what was idle gets its memory back. */
const leadIn = 8;
const longestMs = 9_000;

export const failover: Scenario = {
  id: 'failover',
  about: `time that a dead first server adds to a small chat: the median of ${calls} chats a round with a dead first server less that with a good one, the three in turns, one chat after the other`,
  metrics: [
    { id: 'busy', label: 'first answers 503', unit: 'µs added', digits: 0, of: figure('busyMicros') },
    { id: 'refused', label: 'first refuses', unit: 'µs added', digits: 0, of: figure('refusedMicros') },
    { id: 'good', label: 'chat with both good', unit: 'µs', digits: 0, of: figure('goodMicros') },
  ],
  isApart: true,
  warmUpMs: 2_500,
  isFor: ({ candidate }) => candidate.failover !== undefined,
  async run({ candidate, places }) {
    const { good, busy, refused } = places;
    const variants = [good, busy, refused].map((first) => ({ prepare: candidate.failover?.(first, good), micros: [] as number[] }));
    for (let turn = -leadIn; turn < calls; turn++) {
      for (const { prepare, micros } of variants) {
        const chat = await prepare?.();
        if (chat === undefined) throw new Error('This candidate has no failover.');
        const startMicros = nowMicros();
        await checkedChat(() => inTime(chat()));
        if (turn >= 0) micros.push(nowMicros() - startMicros);
      }
    }
    const [goodMicros = 0, busyMicros = 0, refusedMicros = 0] = variants.map(({ micros }) => median(micros));
    return figuresAlone({ goodMicros, busyMicros: busyMicros - goodMicros, refusedMicros: refusedMicros - goodMicros });
  },
};

async function inTime(answer: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${longestMs} ms.`)), longestMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
