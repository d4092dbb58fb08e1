import type { HealthReport, LoadReport } from '../core/adapter.ts';
import { isRouterError } from '../core/errors.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive } from '../lib/json.ts';
import { toLoadReport } from '../lib/load-metrics.ts';

// What servers are asked beside answers: how they are, and what becomes of a question that they do not know.

/** `ok`, with the version that stands in a field of what the server says of itself, where it says it. */
export async function okWithVersion(http: HttpClient, path: string, field: string, signal: AbortSignal): Promise<HealthReport> {
  const about = await http.getJson(path, signal).catch(() => undefined);
  signal.throwIfAborted();
  const version = isJsonObject(about) ? about[field] : undefined;
  return typeof version === 'string' ? { state: 'ok', version } : { state: 'ok' };
}

/** A server whose model is still loading answers, so it is no failure. */
export async function orWarming(report: Promise<HealthReport>): Promise<HealthReport> {
  try {
    return await report;
  } catch (error) {
    if (isRouterError(error, 'model_loading')) return { state: 'warming' };
    throw error;
  }
}

/** Servers are often started without their figures (404, 403, 501); then nothing is known, which is no failure. */
export async function orSilent(report: Promise<LoadReport>): Promise<LoadReport> {
  return (await orOff(report)) ?? {};
}

/** Undefined where this server does not answer such a question. */
export async function orOff<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isOff = isRouterError(error) && error.status !== undefined && [400, 403, 404, 405, 501].includes(error.status);
    if (isOff) return undefined;
    throw error;
  }
}

/** A limit on the requests that a server takes on at once, from a field of what it says of itself, where it says it. */
export async function slotsIn(http: HttpClient, path: string, field: string, signal: AbortSignal): Promise<LoadReport> {
  const about = await orOff(http.getJson(path, signal));
  const slots = isJsonObject(about) ? about[field] : undefined;
  return isPositive(slots) ? { slots } : {};
}

/** Where the server has no such path, which is 404, another question: the one of an older or a newer version. */
export async function orWhereMissing<Value>(answer: Promise<Value>, other: () => Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (isRouterError(error) && error.status === 404) return other();
    throw error;
  }
}

/** TGI's `max_concurrent_requests` counts all that it has, those that wait for a place in a batch included; it refuses what exceeds them. */
export async function tgiLoad(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const [queue, limit] = await Promise.all([orSilent(tgiGauges(http, signal)), slotsIn(http, '/info', 'max_concurrent_requests', signal)]);
  return { ...queue, ...limit };
}

async function tgiGauges(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  return toLoadReport(await http.getText('/metrics', signal), { running: ['tgi_batch_current_size'], waiting: ['tgi_queue_size'] });
}
