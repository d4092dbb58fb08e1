import { isRouterError } from '../core/errors.ts';

/** An error as data. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
}

/** A foreign error may say anything, so `foreign` is told in its place. */
export function shownError(error: unknown, foreign: string): ShownError {
  return isRouterError(error) ? { code: error.code, message: error.message } : { code: 'bug', message: foreign };
}
