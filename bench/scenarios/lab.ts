import type * as Inferlane from '../../src/index.ts';
import { messages } from '../candidates/by-hand.ts';
import type { Lab } from '../candidates/candidate.ts';
import { oneAt, quiet, threeAt } from '../candidates/inferlane.ts';
import type { Places } from '../fake/server.ts';
import { chatText } from '../fake/sizes.ts';
import { median } from '../median.ts';
import { checkedChat } from './checks.ts';
import { cpuPerUnit, figure, figuresAlone, measured, nowMicros, repeat, type Scenario, type Subject } from './scenario.ts';

// What only a router does: inferlane beside itself.

type Router = Inferlane.Router;

const pairs = 20;
const chatsOfPair = 60;
const atOnce = 8;

const hasLab = ({ candidate }: Subject): boolean => candidate.lab !== undefined;

function labOf({ candidate }: Subject): Lab {
  if (candidate.lab === undefined) throw new Error('This candidate is no router.');
  return candidate.lab;
}

const chatOf = (router: Router) => (): Promise<void> =>
  checkedChat(async () => (await router.chat({ model: 'quick', messages })).choices[0].message.content ?? '');

/** Short stretches of both in turns, so that what the machine does meets both alike. */
async function costBeside(plain: Router, other: Router): Promise<{ readonly plainMicros: number; readonly addedMicros: number }> {
  const cpuOf = async (router: Router): Promise<number> =>
    cpuPerUnit(await measured(chatsOfPair, () => repeat(chatOf(router), chatsOfPair, atOnce)));
  const plainMicros: number[] = [];
  const addedMicros: number[] = [];
  await cpuOf(plain);
  await cpuOf(other);
  for (let pair = 0; pair < pairs; pair++) {
    const isFirst = pair % 2 === 0;
    const before = isFirst ? await cpuOf(plain) : undefined;
    const added = await cpuOf(other);
    const cost = before ?? (await cpuOf(plain));
    plainMicros.push(cost);
    addedMicros.push(added - cost);
  }
  return { plainMicros: median(plainMicros), addedMicros: median(addedMicros) };
}

export const three: Scenario = {
  id: 'three',
  about: `CPU time that three providers and a listener add to a small chat, beside a router with one, both in one process: the median of ${pairs} pairs of ${chatsOfPair} chats a round`,
  metrics: [
    { id: 'added', label: 'three providers', unit: 'µs CPU added', digits: 1, of: figure('addedMicros') },
    { id: 'share', label: 'three providers', unit: '% added', digits: 1, of: figure('addedPercent') },
  ],
  isApart: true,
  warmUpMs: 1_000,
  isFor: hasLab,
  async run(subject) {
    const { createRouter, transport } = labOf(subject);
    const [one, all] = [oneAt, threeAt].map((providersAt) => createRouter({ providers: providersAt(subject.places.good), transport }));
    if (one === undefined || all === undefined) throw new Error('There are no routers.');
    all.on('attempt:end', () => undefined);
    const { plainMicros, addedMicros } = await costBeside(one, all);
    await Promise.all([one.close(), all.close()]);
    return figuresAlone({ addedMicros, addedPercent: (addedMicros * 100) / plainMicros });
  },
};

const refusals = 10;

const withFirst = (first: string, { good }: Places): Inferlane.RouterOptions['providers'] => ({
  dead: { type: 'openai-compatible', url: first },
  good: { type: 'openai-compatible', url: good },
});

export const circuit: Scenario = {
  id: 'circuit',
  about: `CPU time that a provider with an open circuit adds to a small chat, after ${refusals} chats that it refused or was kept from, beside a router without it; \`health: false, checkModels: false, pollMs: false\` for both, so that nothing else takes the dead one out of the way`,
  metrics: [{ id: 'added', label: 'open circuit', unit: 'µs CPU added', digits: 1, of: figure('addedMicros') }],
  isApart: true,
  isFor: hasLab,
  async run(subject) {
    const { createRouter, transport } = labOf(subject);
    const { good, refused } = subject.places;
    const alone = createRouter({ providers: { good: { type: 'openai-compatible', url: good } }, transport, ...quiet });
    const both = createRouter({ providers: withFirst(refused, subject.places), transport, ...quiet });
    await repeat(chatOf(both), refusals, 1);
    const { breaker } = both.snapshot().providers[0] ?? {};
    if (breaker !== 'open') throw new Error(`The circuit of the dead provider is ${breaker}.`);
    const { addedMicros } = await costBeside(alone, both);
    await Promise.all([alone.close(), both.close()]);
    return figuresAlone({ addedMicros });
  },
};

const firstTokenMs = 200;
const hangs = 3;

export const hang: Scenario = {
  id: 'hang',
  about: `time from the call to the first text of a stream whose first provider accepts and never answers, less its limit of ${firstTokenMs} ms: median of ${hangs} a round, each with a new router and the same three options`,
  metrics: [{ id: 'added', label: 'hanging server', unit: 'ms added to the limit', digits: 2, of: figure('addedMs') }],
  roundsOfFour: 2,
  isApart: true,
  isFor: hasLab,
  async run(subject) {
    const { createRouter, transport } = labOf(subject);
    const addedMs: number[] = [];
    for (let turn = -1; turn < hangs; turn++) {
      const providers = withFirst(subject.places.silent, subject.places);
      const router = createRouter({ providers, transport, ...quiet, timeouts: { firstTokenMs } });
      const startMicros = nowMicros();
      let endMicros: number | undefined;
      for await (const { choices } of await router.stream({ model: 'quick', messages }))
        if (choices[0]?.delta.content) endMicros ??= nowMicros();
      if (turn >= 0) addedMs.push(((endMicros ?? Number.NaN) - startMicros) / 1_000 - firstTokenMs);
      await router.close();
    }
    return figuresAlone({ addedMs: median(addedMs) });
  },
};

const canned = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'quick',
  choices: [{ index: 0, message: { role: 'assistant', content: chatText }, finish_reason: 'stop' }],
});
const cannedHeaders: Readonly<Record<string, string>> = { 'content-type': 'application/json', 'content-length': String(canned.length) };
const cannedTransport: Inferlane.Transport = {
  send: async () => ({ status: 200, header: (name) => cannedHeaders[name] ?? null, body: null, text: async () => canned }),
};
const engineChats = 4_000;

export const engine: Scenario = {
  id: 'engine',
  about: `CPU time per chat without a network: a transport that answers from memory, ${engineChats} chats a round, ${atOnce} at once`,
  metrics: [{ id: 'cpu', label: 'engine alone', unit: 'µs CPU', digits: 1, of: cpuPerUnit }],
  isApart: true,
  isFor: hasLab,
  async run(subject) {
    const router = labOf(subject).createRouter({ providers: oneAt(subject.places.good), transport: cannedTransport });
    await repeat(chatOf(router), 100, atOnce);
    const block = await measured(engineChats, () => repeat(chatOf(router), engineChats, atOnce));
    await router.close();
    return block;
  },
};
