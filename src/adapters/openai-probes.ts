import type { HealthReport, LoadReport } from '../core/adapter.ts';
import { isRouterError } from '../core/errors.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject } from '../lib/json.ts';

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
  try {
    return await report;
  } catch (error) {
    const isOff = isRouterError(error) && error.status !== undefined && [400, 403, 404, 405, 501].includes(error.status);
    if (isOff) return {};
    throw error;
  }
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
