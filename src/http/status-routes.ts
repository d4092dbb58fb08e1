import { HttpRefusal } from './failure.ts';
import { publicHealth } from './public-health.ts';
import { healthNow, inventoryNow } from './recent-status.ts';
import { jsonResponse } from './respond.ts';
import type { Exchange, Route } from './route.ts';
import { type View, type ViewName, views } from './views.ts';

/** Views that are lists of models: without them nothing of their answer would be left. */
const ofModels: ReadonlySet<string> = new Set<ViewName>(['models', 'model-health']);

const noModels = { providers: [], models: [] };

async function answerView({ toJson }: View, listsModels: boolean, exchange: Exchange): Promise<Response> {
  const { isTrusted, params } = exchange;
  const [all, inventory] = await Promise.all([healthNow(exchange), listsModels ? inventoryNow(exchange) : noModels]);
  const json = toJson({ health: isTrusted ? all : publicHealth(all), inventory }, params['id']);
  if (json === undefined) throw new HttpRefusal({ status: 404, code: 'model_not_found', message: 'There is no model of this id.' });
  return jsonResponse(json);
}

/** What the service is. */
async function about({ config: { basePath } }: Exchange): Promise<Response> {
  const at = (path: string): string => `${basePath}${path}`;
  return jsonResponse({
    service: 'inferlane',
    description: 'One API in front of many inference servers.',
    endpoints: {
      models: at('/models'),
      model_health: at('/models/{id}/health'),
      generate: at('/generate'),
      chat_completions: at('/v1/chat/completions'),
      health: at('/healthz'),
      ready: at('/readyz'),
    },
  });
}

/** The process is up, whatever its providers are. */
async function alive(): Promise<Response> {
  return jsonResponse({ status: 'ok' });
}

/** Somebody may serve a call. */
async function ready(exchange: Exchange): Promise<Response> {
  const { status } = await healthNow(exchange);
  return jsonResponse({ status }, status === 'down' ? 503 : 200);
}

const get = { method: 'GET', access: 'public', body: 'none', errors: 'plain', isLimited: false } as const;

const viewRoutes = Object.entries(views).flatMap(([name, view]): readonly Route[] => {
  if (view.path === undefined) return [];
  const listsModels = ofModels.has(name);
  const answer: Route['answer'] = (exchange) => answerView(view, listsModels, exchange);
  return [{ ...get, path: view.path, access: listsModels ? 'caller' : 'public', answer }];
});

/** How the service is, in the words of several systems. Without a token: up or down. */
export const statusRoutes: readonly Route[] = Object.freeze([
  { ...get, path: '/', answer: about },
  { ...get, path: '/healthz', answer: alive },
  { ...get, path: '/readyz', answer: ready },
  ...viewRoutes,
]);
