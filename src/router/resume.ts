import { errorCodes } from '../core/error-codes.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest } from '../core/types.ts';
import type { StreamNotice } from '../core/route.ts';
import type { Attempt } from './attempt.ts';
import { runAttempts } from './attempts.ts';
import { canBeContinued, continuing, createBegun } from './continuation.ts';
import type { Opened } from './carry-out.ts';
import { type OpenStream, streamOpener } from './open-stream.ts';
import type { Provider } from './provider.ts';
import { leastMs, leftMs, type Run } from './run.ts';

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

/** The chunk that says that another provider goes on. */
export function noticeChunk({ result, notice }: Resumed): ChatChunk {
  // There is no stream in hand without content.
  const [{ id, created, model }] = result.begun as readonly [ChatChunk];
  return { id, object: 'chat.completion.chunk', created, model, choices: [], inferlane: notice };
}

/** Where neither is asked for. */
const noResume: Resume = {
  note: () => undefined,
  may: () => false,
  go: () => Promise.reject(new RouterError('stream_interrupted', 'The stream is not resumed.')),
};

export function createResume(run: Run<ChatRequest>): Resume {
  const mode = run.call.onStreamFailure;
  if (mode === 'error') return noResume;
  const begun = createBegun();
  const may = (error: RouterError): boolean => {
    if (errorCodes[error.code].next !== 'failover') return false;
    if (run.attempts >= run.call.maxAttempts || leftMs(run) < leastMs) return false;
    return mode === 'restart' || begun.isPlain();
  };
  return {
    // Nothing is kept of an answer that will not be continued.
    note: mode === 'continue' && canBeContinued(run.call.request) ? begun.note : () => undefined,
    may,
    async go({ candidate: { provider: from } }, error) {
      if (mode === 'continue') run.accepts = takesUp;
      const opened = await runAttempts(run, mode === 'restart' ? streamOpener : { ...streamOpener, open: continuing(begun) });
      const { provider, model } = opened.attempt.candidate;
      const type = mode === 'restart' ? 'reset' : 'resumed';
      const { engine, call } = run;
      const isLeft = run.leaving?.aborted === true;
      // Of a reader who has left meanwhile nothing more is told.
      if (!isLeft) engine.announce(`stream:${type}`, { requestId: call.requestId, provider, model, from, reason: error.code });
      return { ...opened, notice: { type, from, provider, model, reason: error.code } };
    },
  };
}

/** Only a provider that can take up a begun answer is asked for the rest of it. */
function takesUp(provider: Provider, model: string | undefined): boolean {
  return provider.capabilities(model).prefill;
}
