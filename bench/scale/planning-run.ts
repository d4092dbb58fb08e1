import type * as Inferlane from '../../src/index.ts';
import { answerQuestions } from '../../tests/campaign/_kit/program.ts';
import { messages } from '../candidates/by-hand.ts';
import { load } from '../candidates/candidate.ts';
import { quiet } from '../candidates/inferlane.ts';
import { cpuPerUnit, measured, repeat } from '../scenarios/scenario.ts';
import { type Case, cases } from './cases.ts';
import type { CallCosts } from './figures.ts';

// What a chat costs with many providers and many aliases, without a network: all routers in one process of their own.

export interface PlanningQuestion {
  readonly rounds: number;
  /** Of each case in each round. */
  readonly calls: number;
  /** Of each case before the first round. */
  readonly warmCalls: number;
}

const atOnce = 8;
const warmParts = 10;
const textOfAnswer = 'A short answer.';
const answer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'model-0',
  choices: [{ index: 0, message: { role: 'assistant', content: textOfAnswer }, finish_reason: 'stop' }],
});
const models = JSON.stringify({ object: 'list', data: [{ id: 'model-0', object: 'model', created: 0, owned_by: 'bench' }] });

function responseOf(text: string, status: number): Inferlane.TransportResponse {
  const headers: Readonly<Record<string, string>> = { 'content-type': 'application/json', 'content-length': String(text.length) };
  return { status, header: (name) => headers[name] ?? null, body: null, text: async () => text };
}

/** `onChat` is told at which address. */
function transportOf(onChat: (url: string) => void): Inferlane.Transport {
  return {
    async send({ url, method }) {
      if (method === 'GET')
        return url.endsWith('/models') ? responseOf(models, 200) : responseOf('{}', url.endsWith('/health') ? 200 : 404);
      onChat(url);
      return responseOf(answer, 200);
    },
  };
}

interface Ready extends AsyncDisposable {
  readonly id: string;
  call(): Promise<void>;
}

async function readyFor({ id, providers: count, type, aliases, asksFor, isWatched }: Case): Promise<Ready> {
  const { createRouter } = await load<typeof Inferlane>('../../dist/index.js');
  const ids = Array.from({ length: count }, (_, index) => `p${index}`);
  const namesOf = (alias: number): Record<string, string> => Object.fromEntries(ids.slice(0, 3).map((each) => [each, `model-${alias}`]));
  const known = Array.from({ length: aliases }, (_, index): [string, Record<string, string>] => [`alias-${index}`, namesOf(index)]);
  const transport = transportOf((url) => {
    if (!url.startsWith('http://p0.test/')) throw new Error(`${id}: ${url} was asked, and not the first provider.`);
  });
  const router = createRouter({
    providers: Object.fromEntries(ids.map((each) => [each, { type, url: `http://${each}.test` }])),
    transport,
    ...(aliases > 0 && { models: Object.fromEntries(known) }),
    ...(!isWatched && quiet),
  });
  let asked = 0;
  const modelOf: Readonly<Record<Case['asksFor'], () => string>> = {
    'one alias': () => 'alias-0',
    'aliases in turn': () => `alias-${asked % aliases}`,
    'one name': () => 'model-0',
    'two names in turn': () => `model-${asked % 2}`,
  };
  return {
    id,
    async call() {
      const model = modelOf[asksFor]();
      asked += 1;
      const { choices } = await router.chat({ model, messages });
      if (choices[0].message.content !== textOfAnswer) throw new Error(`${id}: a wrong answer`);
    },
    [Symbol.asyncDispose]: () => router.close(),
  };
}

/** The cases take turns in every round, and another one is first in each. */
async function costsOf({ rounds, calls, warmCalls }: PlanningQuestion): Promise<CallCosts> {
  await using stack = new AsyncDisposableStack();
  const all: Ready[] = [];
  for (const each of cases) all.push(stack.use(await readyFor(each)));
  const microsOf = async ({ call }: Ready, times: number): Promise<number> =>
    cpuPerUnit(await measured(times, () => repeat(call, times, atOnce)));
  // In parts, so that what is compiled has seen all of them.
  for (let part = 0; part < warmParts; part++) for (const each of all) await microsOf(each, Math.ceil(warmCalls / warmParts));
  const costs = Object.fromEntries(all.map(({ id }): [string, number[]] => [id, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % all.length;
    for (const each of [...all.slice(first), ...all.slice(0, first)]) costs[each.id]?.push(await microsOf(each, calls));
  }
  return costs;
}

answerQuestions<PlanningQuestion, CallCosts>(costsOf);
