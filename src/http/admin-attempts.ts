import { tellChange } from './admin-desk.ts';
import { HttpRefusal } from './failure.ts';
import type { HandlerConfig } from './handler-options.ts';

const mostWrong = 5;
const minuteMs = 60_000;

/**
 * Wrong tokens of the admin page: 5 per minute, of all callers together, are told that they are wrong; more are told to wait. The right
 * token is never among them: whoever sends wrong ones all day would otherwise keep the operator out, and no number of guesses finds one of
 * 128 bits.
 */
export interface AdminAttempts {
  /** Counts a wrong token. What to answer in place of 401, where there were too many. */
  wrong(): HttpRefusal | undefined;
}

export function createAdminAttempts(config: HandlerConfig): AdminAttempts {
  const { clock } = config;
  const atMs: number[] = [];
  return {
    wrong() {
      const nowMs = clock.nowMs();
      while (atMs[0] !== undefined && atMs[0] + minuteMs <= nowMs) atMs.shift();
      const [first] = atMs;
      if (first !== undefined && atMs.length >= mostWrong) {
        const message = 'Too many wrong tokens for the admin page.';
        return new HttpRefusal({ status: 429, code: 'too_many_attempts', message, retryAfterMs: first + minuteMs - nowMs });
      }
      atMs.push(nowMs);
      tellChange(config, { action: 'login', keys: [], ok: false });
      return undefined;
    },
  };
}
