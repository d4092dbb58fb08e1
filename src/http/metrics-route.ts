import type { Exchange, Route } from './route.ts';

/** What the figures say of providers and models is detail, so a token is asked for. */
export const metricsRoute: Route = Object.freeze({
  method: 'GET',
  path: '/metrics',
  access: 'caller',
  body: 'none',
  errors: 'plain',
  isLimited: false,
  async answer({ config: { metrics } }: Exchange): Promise<Response> {
    const text = (await metrics?.text()) ?? '';
    return new Response(text, { headers: { 'content-type': metrics?.contentType ?? 'text/plain; charset=utf-8' } });
  },
});
