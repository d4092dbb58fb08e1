import type { Router } from '../index.ts';
import type { Refusal } from './failure.ts';
import { createGuard } from './guard.ts';
import { type HandlerConfig, type HandlerOptions, resolveHandlerOptions } from './handler-options.ts';
import { createLimits } from './limits.ts';
import { createMatcher } from './match-route.ts';
import { routesFor } from './routes.ts';
import { type Handler, handlerOf, refuseUnread, type Served } from './serve-request.ts';

export type { Handler } from './serve-request.ts';

/** What a server below needs of a handler beside its answers. */
export interface HandlerInnards {
  readonly config: HandlerConfig;
  /** Answers what cannot become a `Request`, and tells the access log. */
  readonly refuse: (method: string, refusal: Refusal) => Response;
}

const innards = new WeakMap<Handler, HandlerInnards>();

/** Undefined for a handler that somebody wrapped in a function of their own. */
export function innardsOf(handler: Handler): HandlerInnards | undefined {
  return innards.get(handler);
}

/**
 * A router behind HTTP, without a framework: mount it wherever requests of the web's kind are, or give it to `toNodeListener()`.
 * @throws {ConfigError} with every issue of the options.
 */
export function createHandler(router: Router, options: HandlerOptions = {}): Handler {
  const config = resolveHandlerOptions(options);
  const match = createMatcher(routesFor(config), config.basePath);
  const served: Served = { router, config, guard: createGuard(config), limits: createLimits(config), match, shapeOf: () => 'openai' };
  const handler = handlerOf(served);
  innards.set(handler, { config, refuse: (method, refusal) => refuseUnread(method, refusal, config) });
  return handler;
}
