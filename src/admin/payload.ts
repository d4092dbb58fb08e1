import type { AdminEvent } from '../http/admin-contract.ts';

// Payloads are data of the wire: each field is asked for what it is. Pure.

export function textIn({ payload }: AdminEvent, name: string): string | undefined {
  const value = payload[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberIn({ payload }: AdminEvent, name: string): number | undefined {
  const value = payload[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function isTrueIn({ payload }: AdminEvent, name: string): boolean {
  return payload[name] === true;
}

export function textsIn({ payload }: AdminEvent, name: string): readonly string[] {
  const value = payload[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

export interface ToldError {
  readonly code: string;
  readonly message: string;
}

export function errorIn({ payload }: AdminEvent): ToldError | undefined {
  const error = payload['error'];
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as Partial<Record<keyof ToldError, unknown>>;
  return { code: String(code ?? 'unknown'), message: typeof message === 'string' ? message : '' };
}

/** Tokens that a model wrote, where its server counted them. */
export function writtenTokensIn({ payload }: AdminEvent): number | undefined {
  const usage = payload['usage'];
  if (typeof usage !== 'object' || usage === null || !('completion_tokens' in usage)) return undefined;
  return typeof usage.completion_tokens === 'number' ? usage.completion_tokens : undefined;
}
