import type { Router } from '../index.ts';
import { answerHeaders, callOptionsOf, requestIdHeaders, requestIdOf } from './call-headers.ts';
import { type CallFacts, outcomeOf } from './call-outcome.ts';
import { corsHeaders, preflight } from './cors.ts';
import { refuseDeniedFields } from './denied-fields.ts';
import { createEnding, type Ending } from './ending.ts';
import { type ErrorShape, HttpRefusal, type Refusal, refusalOf } from './failure.ts';
import type { Connection, Guard } from './guard.ts';
import type { AccessEntry, HandlerConfig } from './handler-options.ts';
import type { Limits } from './limits.ts';
import type { Match, Matcher } from './match-route.ts';
import { readJson } from './request-body.ts';
import { fixedHeaders, refusalResponse } from './respond.ts';
import type { Exchange } from './route.ts';
import { tellLog } from './tell-log.ts';

/** Answers a request of the web's own kind. Never rejects. `connection`: what the server below knows of it. */
export type Handler = (request: Request, connection?: Connection) => Promise<Response>;

/** What requests are answered with. */
export interface Served {
  readonly router: Router;
  readonly config: HandlerConfig;
  readonly guard: Guard;
  readonly limits: Limits;
  readonly match: Matcher;
  /** In which shape a refusal is told where no route was found. */
  readonly shapeOf: (request: Request) => ErrorShape;
}

/** What becomes known of a request on the way. */
interface Facts {
  path: string | undefined;
  shape: ErrorShape;
  status: number;
  caller: string | undefined;
  call: CallFacts;
}

/** What belongs to one request, from its first byte to the last one of its answer. */
interface Visit {
  readonly request: Request;
  readonly connection: Connection;
  readonly requestId: string;
  readonly facts: Facts;
  readonly ending: Ending;
  /** Aborted when the caller leaves. */
  readonly signal: AbortSignal;
  /** Runs when the answer is over. */
  onEnd: (() => void) | undefined;
}

/** The one way from a request to its answer, whoever let it in. */
export function handlerOf(served: Served): Handler {
  const { config } = served;
  return async (request, connection = {}) => {
    const visit = begin(request, connection, served);
    const response = await respond(served, visit);
    visit.facts.status = response.status;
    complete(response, visit.facts.shape, visit.requestId, corsHeaders(request, config));
    const isHead = request.method === 'HEAD';
    if (isHead || !visit.ending.isStreamed) visit.ending.end(false);
    if (!isHead) return response;
    // A stream that nobody will read holds what it has opened.
    void response.body?.cancel();
    return new Response(null, response);
  };
}

function begin(request: Request, connection: Connection, { config, shapeOf }: Served): Visit {
  const startMs = config.clock.nowMs();
  const requestId = requestIdOf(request);
  const facts: Facts = { path: undefined, shape: shapeOf(request), status: 500, caller: undefined, call: {} };
  const left = new AbortController();
  // Requests of some platforms have no signal.
  const given = request.signal as AbortSignal | undefined;
  const onAbort = (): void => left.abort(given?.reason);
  if (given?.aborted === true) onAbort();
  given?.addEventListener('abort', onAbort, { once: true });
  const ending = createEnding((isCut) => {
    given?.removeEventListener('abort', onAbort);
    const cut = isCut || left.signal.aborted;
    if (cut) left.abort(new DOMException('The caller has gone.', 'AbortError'));
    visit.onEnd?.();
    const { path: route, status, caller } = facts;
    const ms = config.clock.nowMs() - startMs;
    const entry: AccessEntry = { requestId, method: request.method, route, status, ms, caller, ...outcomeOf(facts.call), cut };
    tellLog(() => config.onAccess?.(entry));
  });
  const visit: Visit = { request, connection, requestId, facts, ending, signal: left.signal, onEnd: undefined };
  return visit;
}

const callerGone: Refusal = { status: 499, code: 'caller_gone', message: 'The caller has gone.' };

/** Every refusal and failure becomes a response here, in the shape of the route that was asked. */
async function respond(served: Served, visit: Visit): Promise<Response> {
  const { config, guard, match } = served;
  const { request, connection, facts, requestId, signal } = visit;
  try {
    guard.admitHost(request, connection);
    if (request.method === 'OPTIONS') return preflight(request, config);
    const found = match(request.method, request.url);
    facts.path = found.route.path;
    facts.shape = found.route.errors;
    return await answer(served, visit, found);
  } catch (thrown) {
    // What a route has noted stands: it knows more of the failure than the refusal that it made of it.
    facts.call = { failure: thrown, ...facts.call };
    return refusalResponse(facts.shape, signal.aborted ? callerGone : refusalOf(thrown), requestId);
  }
}

async function answer({ router, config, guard, limits }: Served, visit: Visit, { route, params }: Match): Promise<Response> {
  const { request, facts, requestId, ending, signal } = visit;
  const { name, isTrusted } = await guard.identify(request, route);
  facts.caller = name;
  if (signal.aborted) throw new HttpRefusal(callerGone);
  if (route.isLimited) visit.onEnd = limits.enter(name ?? '');
  const call = { ...callOptionsOf(request, { signal, requestId }, router, config), ...(name !== undefined && { caller: name }) };
  const body = route.body === 'json' ? await readJson(request, signal, config) : undefined;
  refuseDeniedFields(body);
  const note: Exchange['note'] = (more) => void (facts.call = { ...facts.call, ...more });
  return route.answer({ router, config, request, params, body, call, requestId, isTrusted, ending, note });
}

/** Answers what cannot become a `Request`. */
export function refuseUnread(method: string, refusal: Refusal, config: HandlerConfig): Response {
  const requestId = crypto.randomUUID();
  const nobody = { route: undefined, caller: undefined, provider: undefined, attempts: undefined };
  tellLog(() => config.onAccess?.({ requestId, method, status: refusal.status, ms: 0, cut: false, ...nobody }));
  return complete(refusalResponse('openai', refusal, requestId), 'openai', requestId, {});
}

function complete(response: Response, shape: ErrorShape, requestId: string, cors: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries({ ...fixedHeaders, ...cors })) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  response.headers.set(answerHeaders.requestId, requestId);
  const own = requestIdHeaders[shape];
  if (own !== undefined) response.headers.set(own, requestId);
  return response;
}
