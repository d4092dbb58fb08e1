import { isRouterError, type ConfigError, type RouterOptions } from '../index.ts';
import { deskOf, tellChange } from './admin-desk.ts';
import { adminHeaders } from './admin-page.ts';
import { patched } from './admin-patch.ts';
import { readPatch } from './admin-patch-schema.ts';
import { settingsOf } from './admin-settings.ts';
import { readJson } from './request-body.ts';
import { jsonResponse } from './respond.ts';
import type { Exchange } from './route.ts';

/**
 * `POST settings`. The route reads the body itself: everywhere else a field called `apiKey` is refused before anybody sees it, and here it
 * is what the route is for.
 */
export async function answerSettings(exchange: Exchange): Promise<Response> {
  const { router, config, request, call } = exchange;
  const desk = deskOf(config);
  const given = await readJson(request, call.signal ?? request.signal, config);
  const { options, keys } = patched(desk.options, readPatch(given, desk.options));
  if (keys.length > 0) {
    const issues = tryUpdate(exchange, options);
    tellChange(config, { action: 'update', keys, ok: issues === undefined });
    if (issues !== undefined) return refused(issues);
    desk.options = options;
  }
  return jsonResponse(settingsOf(desk.options, router), 200, adminHeaders);
}

function tryUpdate({ router }: Exchange, options: RouterOptions): ConfigError['issues'] | undefined {
  try {
    router.update(options);
    return undefined;
  } catch (error) {
    if (isRouterError(error, 'invalid_config')) return (error as ConfigError).issues;
    throw error;
  }
}

/** Their sentences show no value. */
function refused(issues: ConfigError['issues']): Response {
  const error = { code: 'invalid_config', message: 'The router refused these settings, and has kept those that it had.', issues };
  return jsonResponse({ error }, 400, adminHeaders);
}
