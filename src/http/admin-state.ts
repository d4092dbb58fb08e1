import type { AdminState } from './admin-contract.ts';
import { deskOf } from './admin-desk.ts';
import { adminHeaders } from './admin-page.ts';
import { settingsOf } from './admin-settings.ts';
import { healthNow } from './recent-status.ts';
import { jsonResponse } from './respond.ts';
import type { Exchange } from './route.ts';
import { version } from './version.ts';

/** `GET state` */
export async function answerState(exchange: Exchange): Promise<Response> {
  const { router, config } = exchange;
  const { startedAtMs, options } = deskOf(config);
  const health = await healthNow(exchange);
  const settings = settingsOf(options, router);
  const state: AdminState = { version, atMs: config.clock.wallMs(), startedAtMs, health, snapshot: router.snapshot(), settings };
  return jsonResponse(state, 200, adminHeaders);
}
