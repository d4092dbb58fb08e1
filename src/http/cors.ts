import { answerHeaders, callHeaders, requestIdHeaders } from './call-headers.ts';
import type { HandlerConfig } from './handler-options.ts';
import { foreignOrigin } from './origin-check.ts';

/** Pages of origins that are not named get no word of permission, and their browsers keep the answer from them. */
export function corsHeaders({ headers }: Request, { origins }: HandlerConfig): Record<string, string> {
  if (origins.size === 0) return {};
  const origin = headers.get('origin');
  if (origin === null || !origins.has(origin)) return { vary: 'origin' };
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [...Object.values(answerHeaders), ...Object.values(requestIdHeaders), 'retry-after'].join(', '),
  };
}

const mayAsk = new Set(['authorization', 'content-type', 'x-api-key', 'x-request-id', ...Object.values(callHeaders)]);

/** What the official clients send from pages beside these; nothing here reads it. */
const ofClients = /^(?:x-stainless|openai|anthropic)-[a-z-]{1,64}$/;

/**
 * The browser's question before a call of another origin. Cookies play no part, so credentials are never allowed.
 * @throws {HttpRefusal} 403
 */
export function preflight(request: Request, config: HandlerConfig): Response {
  const origin = request.headers.get('origin');
  if (origin === null || !config.origins.has(origin)) {
    throw foreignOrigin();
  }
  const asked = (request.headers.get('access-control-request-headers') ?? '').toLowerCase().split(',', 64);
  const allowed = asked.map((name) => name.trim()).filter((name) => mayAsk.has(name) || ofClients.test(name));
  return new Response(null, {
    status: 204,
    headers: {
      ...corsHeaders(request, config),
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': allowed.join(', '),
      'access-control-max-age': '600',
    },
  });
}
