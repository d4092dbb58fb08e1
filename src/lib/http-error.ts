import type { ErrorCode } from '../core/error-codes.ts';
import { RouterError } from '../core/errors.ts';
import type { Classified } from './classify.ts';
import { createMask } from './redact.ts';

/** Makes the errors of one provider. What the server said is masked and shortened before it becomes part of a message. */
export interface ErrorMaker {
  /** `model`: the one that was asked for, where the caller knows it. */
  of(found: Classified, status: number | undefined, request: unknown, model?: string): RouterError;
}

/** What our own messages say for a code, where the code alone is not a phrase; the server's words follow. */
const phrases: Partial<Record<ErrorCode, string>> = {
  auth: 'the credentials were refused',
  out_of_memory: 'out of memory',
  model_not_found: 'the model is not served here',
  unavailable: 'not available',
  timeout: 'timed out',
  bad_response: 'not an answer',
};

/** What the user should do, where the phrase does not tell. */
const advice: Partial<Record<ErrorCode, (provider: string) => string>> = {
  auth: (provider) => ` Check the apiKey of provider "${provider}".`,
  quota_exhausted: () => ' Check the plan and billing of this account.',
  out_of_memory: () => ' Free memory there, or use a smaller model or context.',
};

/** `secrets` is asked anew for each error: keys may come from a function. Of the URL only the host is ever shown. */
export function createErrorMaker(provider: string, url: string, secrets: () => readonly string[]): ErrorMaker {
  const host = URL.canParse(url) ? ` at ${new URL(url).host}` : '';
  return {
    of({ code, text, phase, reason: named, retryAfterMs }, status, request, model) {
      const masked = createMask({ secrets: secrets(), request });
      const said = masked(text);
      // A server can put a key or a prompt into its type as well.
      const reason = named !== undefined && masked(named) === named ? named : undefined;
      const what = phrases[code] ?? code.replaceAll('_', ' ');
      const short = reason === undefined ? '' : ` [${reason}]`;
      const answered = status === undefined || status < 400 ? '' : ` (HTTP ${status})`;
      const where = phase === 'connect' ? host : answered;
      const end = said === '' ? '.' : `: ${said}${/[.!?…]$/.test(said) ? '' : '.'}`;
      const message = `${provider}: ${what}${short}${where}${end}${advice[code]?.(provider) ?? ''}`;
      return new RouterError(code, message, { provider, model, status, phase, reason, retryAfterMs });
    },
  };
}
