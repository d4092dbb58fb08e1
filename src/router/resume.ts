import { errorCodes } from '../core/error-codes.ts';
import type { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest } from '../core/types.ts';
import type { StreamNotice } from '../core/route.ts';
import type { Attempt } from './attempt.ts';
import { runAttempts } from './attempts.ts';
import { canBeContinued, continuing, createBegun } from './begun.ts';
import type { Opened } from './carry-out.ts';
import type { OpenStream } from './open-stream.ts';
import { leastMs, leftMs, type Run } from './run.ts';
import { streamVerb } from './stream-verb.ts';

/** What follows a failure after content was handed on. */
export interface Resume {
  /** Takes down what the caller gets. */
  note(chunks: readonly ChatChunk[]): void;
  /** Is there any use in trying? */
  may(error: RouterError): boolean;
  /** Another attempt. Rejects where nobody could take over. */
  go(failed: Attempt<ChatRequest>, error: RouterError): Promise<Resumed>;
}

export interface Resumed extends Opened<ChatRequest, OpenStream> {
  readonly notice: StreamNotice;
}

export function createResume(run: Run<ChatRequest>): Resume {
  const mode = run.call.onStreamFailure;
  const begun = createBegun();
  const may = (error: RouterError): boolean => {
    if (errorCodes[error.code].next !== 'failover') return false;
    if (run.attempts >= run.call.maxAttempts || leftMs(run) < leastMs) return false;
    // Where neither is asked for, there is no text.
    return mode === 'restart' || begun.isPlain();
  };
  return {
    // Nothing is kept of an answer that will not be continued.
    note: mode === 'continue' && canBeContinued(run.call.request) ? begun.note : () => undefined,
    may,
    async go({ candidate: { provider: from } }, error) {
      const verb = streamVerb(run);
      // Only a provider that can take up a begun answer is asked for the rest of it.
      if (mode === 'continue') run.accepts = (next, its) => next.capabilities(its).prefill;
      const opened = await runAttempts(run, mode === 'restart' ? verb : { open: continuing(begun), drop: verb.drop });
      const { provider, model } = opened.attempt.candidate;
      const type = mode === 'restart' ? 'reset' : 'resumed';
      const { engine, call } = run;
      const isLeft = run.leaving?.signal.aborted === true;
      // Of a reader who has left meanwhile nothing more is told.
      if (!isLeft) engine.announce(`stream:${type}`, { requestId: call.requestId, provider, model, from, reason: error.code });
      return { ...opened, notice: { type, from, provider, model, reason: error.code } };
    },
  };
}
