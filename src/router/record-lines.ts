import type { Feature } from '../core/capabilities.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { Phase } from '../core/errors.ts';
import type { EventName, Verb } from '../core/events.ts';

/** The version of the format; readers refuse others. */
export const recordVersion = 1;

/** Every line is one JSON object of one of these. Times in milliseconds, `at` since 1970. None holds a prompt, an answer, a key or a URL. */
export type RecordLine = RecordHeader | RecordedConfig | RecordedCall | RecordedState | RecordedLoss;

/** The first line of a record. */
export interface RecordHeader extends Omit<RecordedConfig, 'type'> {
  readonly type: 'header';
  readonly format: 'inferlane-record';
  readonly version: number;
}

/** What the calls from here on are routed by; written anew where `update()` changes it. */
export interface RecordedConfig {
  readonly type: 'config';
  readonly at: number;
  readonly providers: readonly RecordedProvider[];
  /** Settings of the router as they were resolved. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A provider as it was resolved, without address, key and headers. */
export interface RecordedProvider {
  readonly id: string;
  readonly type: string;
  readonly device: string;
  readonly cost: string;
  readonly locality: string;
  readonly priority: number;
  readonly weight: number;
  /** Calls that it takes at once, as configured or as usual for its type; left out: no limit. */
  readonly slots?: number;
  readonly slotsPer: 'server' | 'model';
  readonly defaultModel?: string;
  readonly embeddingModel?: string;
  readonly contextLength?: number;
  readonly features: readonly Feature[];
  readonly modelName: 'required' | 'optional' | 'ignored';
  readonly loadsOnDemand: boolean;
  readonly embeds: boolean;
}

/** One call, told when it has ended. */
export interface RecordedCall {
  readonly type: 'call';
  /** When it began. */
  readonly at: number;
  readonly requestId: string;
  readonly verb: Verb;
  readonly intent: string;
  readonly lane: string;
  /** The name that the caller gave. */
  readonly model?: string;
  /** The provider that the caller named. */
  readonly only?: string;
  readonly without?: readonly string[];
  /** Digests with a key that this record alone has. */
  readonly caller?: string;
  readonly session?: string;
  readonly needs: readonly Feature[];
  /** Estimated. */
  readonly promptTokens: number;
  /** The most that the answer may have, where the request says so. */
  readonly maxAnswerTokens?: number;
  /** Where they are not those of the router and the intent. */
  readonly deadlineMs?: number;
  readonly maxAttempts?: number;
  readonly allowPaid?: boolean;
  readonly maxLocality?: string;
  readonly maxCostUsd?: number;
  readonly plan: readonly RecordedCandidate[];
  readonly skipped: readonly (RecordedCandidate & { readonly code: string })[];
  readonly attempts: readonly RecordedAttempt[];
  readonly usage?: { readonly promptTokens: number; readonly answerTokens: number };
  /** Flags that are false are left out. */
  readonly degraded?: true;
  /** Nobody was asked for it: its answer came from the cache, or was that of an identical call under way (`singleFlight`). */
  readonly cached?: true;
  readonly hedged?: true;
  readonly queuedMs: number;
  readonly ms: number;
  /** `abandoned`: a stream that its reader left; `aborted`: by the caller's signal. */
  readonly outcome: 'answered' | 'abandoned' | 'aborted' | 'failed';
  readonly error?: string;
}

export interface RecordedCandidate {
  readonly provider: string;
  readonly model?: string;
}

export interface RecordedAttempt extends RecordedCandidate {
  /** From the start of the call. */
  readonly startMs: number;
  readonly ms: number;
  /** Streams only: from the start of the attempt. */
  readonly firstContentMs?: number;
  /** A code of the errors page; `aborted`: the caller left. */
  readonly error?: ErrorCode | 'aborted' | (string & {});
  readonly phase?: Phase;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** What the router concluded of a provider, as the event of that name tells it. */
export interface RecordedState {
  readonly type: 'state';
  readonly at: number;
  readonly event: EventName;
  readonly provider?: string;
  readonly model?: string;
  /** A code. */
  readonly reason?: string;
  /** From now on. */
  readonly forMs?: number;
}

/** So many lines before this one were not written: the sink was too slow, or failed. */
export interface RecordedLoss {
  readonly type: 'lost';
  readonly at: number;
  readonly lines: number;
}
