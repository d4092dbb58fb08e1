import { deskOf } from './admin-desk.ts';
import { adminRoutes } from './admin-routes.ts';
import { anthropicRoutes } from './anthropic-routes.ts';
import type { HandlerConfig } from './handler-options.ts';
import { metricsRoute } from './metrics-route.ts';
import { ollamaRoutes } from './ollama-routes.ts';
import { openaiRoutes } from './openai-routes.ts';
import { promptRoutes } from './prompt-routes.ts';
import type { Route } from './route.ts';
import { statusRoutes } from './status-routes.ts';

/** Every route there is, as data: the guard, the limits and the tests read the same rows. */
export const routes: readonly Route[] = Object.freeze([
  ...anthropicRoutes,
  ...openaiRoutes,
  ...ollamaRoutes,
  ...promptRoutes,
  ...statusRoutes,
  metricsRoute,
  ...adminRoutes,
]);

/** The rows that a handler serves. */
export function routesFor(config: HandlerConfig): readonly Route[] {
  // The page tells since when the handler has been there.
  if (config.admin !== undefined) deskOf(config);
  const isServed = (route: Route): boolean =>
    (config.admin !== undefined || !adminRoutes.includes(route)) && (config.metrics !== undefined || route !== metricsRoute);
  return routes.filter(isServed);
}
