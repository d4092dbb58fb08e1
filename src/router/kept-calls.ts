import type { RouteTrace } from '../core/route.ts';
import type { ChatCompletion, ChatRequest, EmbeddingList, EmbedRequest } from '../core/types.ts';
import { copyJson } from '../cache/copy-json.ts';
import type { Entry } from '../cache/entry.ts';
import { enterCall, type Entrance, startCall, whenStarted } from './begin-call.ts';
import { holdEngine } from './engine.ts';
import type { Wish } from './kept-answers.ts';
import type { ResolvedCall } from './resolve-call.ts';
import type { Run } from './run.ts';
import { type BeginShared, ride } from './share-call.ts';
import type { Live } from './verbs.ts';

// Calls whose whole answers may be kept, come from what was kept, or be shared with identical calls under way.

/** The whole answer: the kept one, that of an identical call, or its own. */
export async function answerKept<Request extends ChatRequest | EmbedRequest, Answer extends ChatCompletion | EmbeddingList>(
  live: Readonly<Live>,
  call: ResolvedCall<Request>,
  wish: Wish,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  const leave = enterCall(live, call);
  if (wish.flight === undefined) return findOrAsk(call, live, wish, leave, work);
  const begin: BeginShared<Request, Answer> = async (shared, quiet, flight) => {
    try {
      return await findOrAsk(shared, { ...live, engine: quiet }, wish, holdEngine(quiet), work);
    } finally {
      flight.close();
    }
  };
  const rider = ride(call, live, wish.flight, leave, begin);
  try {
    const answer = copyJson(await rider.whole());
    const route = rider.routeFrom(answer.route);
    rider.end(route, false);
    return { ...answer, route };
  } catch (error) {
    throw rider.fail(error);
  }
}

async function findOrAsk<Request extends ChatRequest | EmbedRequest, Answer extends ChatCompletion | EmbeddingList>(
  call: ResolvedCall<Request>,
  entrance: Entrance,
  wish: Wish,
  leave: () => void,
  work: (run: Run<Request>) => Promise<Answer>,
): Promise<Answer> {
  const { engine } = entrance;
  const finding = engine.kept?.find(call, wish, engine);
  const entry = finding && (await finding);
  if (entry !== undefined) return { ...entry.answer, route: hit(call, entrance, entry, leave) } as Answer;
  return whenStarted(startCall(call, entrance, leave), async (run) => {
    const answer = await work(run);
    engine.kept?.keep(call, wish, answer, { route: answer.route, space: run.plan.space });
    return answer;
  });
}

/** Nobody is asked, so there is nothing to plan, to wait for or to learn. */
export function hit(call: ResolvedCall<ChatRequest | EmbedRequest>, entrance: Entrance, entry: Entry, leave: () => void): RouteTrace {
  const { engine, recorders } = entrance;
  const { requestId, verb, intent, request, startedAtMs } = call;
  const { provider, model, answer } = entry;
  engine.announce('request:start', { requestId, verb, model: request.model, intent });
  leave();
  const ms = engine.config.clock.nowMs() - startedAtMs;
  const { usage } = answer;
  engine.announce('request:end', {
    requestId,
    provider,
    model,
    ms,
    attempts: 0,
    usage,
    costUsd: undefined,
    cached: true,
    abandoned: false,
  });
  recorders.noteUnasked(call, engine, true, { usage, abandoned: false });
  return {
    requestId,
    provider,
    model,
    intent,
    attempts: [],
    skipped: [],
    queuedMs: 0,
    degraded: false,
    substituted: false,
    truncated: false,
    cached: true,
    hedged: false,
  };
}
