/** In which memory, and so in whose words, a server runs out of it. */
export type Memory = 'cuda' | 'vulkan' | 'rocm' | 'host';

export interface FakeToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Left out: the server makes one up, where its protocol has ids. */
  readonly id?: string | undefined;
}

/** What the model behind a server says. Every part that is left out has a default. */
export interface Answer {
  /** @default 'Hello from a fake backend.' */
  readonly text?: string | undefined;
  /** How a stream cuts the text. Left out: behind each blank. */
  readonly pieces?: readonly string[] | undefined;
  readonly reasoning?: string | undefined;
  readonly toolCalls?: readonly FakeToolCall[] | undefined;
  /** In OpenAI's words; each server gets its own. Left out: `tool_calls` where there are some, else `stop`. */
  readonly finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter' | undefined;
  /** Left out: counted in words. `null`: the server reports none, where its protocol allows that. */
  readonly usage?: { readonly promptTokens: number; readonly completionTokens: number } | null | undefined;
  /** One vector per input, in order. Left out: made of the words of each input, so that like texts have like vectors. */
  readonly vectors?: readonly (readonly number[])[] | undefined;
  /**
   * Length of the vectors that are made.
   * @default 8
   */
  readonly dimensions?: number | undefined;
}

/** A failure by its kind, told in the literal words, status and shape of each server. */
export type FailureKind =
  | 'out-of-memory'
  | 'driver'
  | 'queue-full'
  | 'loading'
  | 'rate-limit'
  | 'quota'
  | 'auth'
  | 'model-missing'
  | 'context-length'
  | 'bad-request'
  | 'server'
  | 'status'
  | 'empty'
  | 'html';

export interface Failure {
  readonly kind: FailureKind;
  /** `out-of-memory` only. */
  readonly memory?: Memory | undefined;
  /** `status` and `html` only. */
  readonly status?: number | undefined;
  /** The Retry-After header: seconds, or a date as it stands on the wire. */
  readonly retryAfter?: number | string | undefined;
  /** `status` only: what the server says. */
  readonly message?: string | undefined;
}

/** What happens to the bytes on their way. Pieces are counted from 0: pieces of content, or of the body of a whole answer. */
export interface Faults {
  readonly stallBeforeHeaders?: boolean | undefined;
  readonly stallAfter?: number | undefined;
  readonly cutAfter?: { readonly pieces: number; readonly how: 'fin' | 'rst' } | undefined;
  readonly garbageAt?: number | undefined;
  /** The step's failure is told after this many pieces, in the middle of a stream, as this server does that. */
  readonly errorAt?: number | undefined;
  readonly tokensPerSecond?: number | undefined;
  readonly delayMs?: number | undefined;
  /** The server loads its model for this long from the first call on; until then calls are treated as it treats them. */
  readonly loadingMs?: number | undefined;
  /** How the bytes are cut into writes: as they are, one write per byte, or all in one. The bytes are the same. */
  readonly writes?: 'pieces' | 'bytes' | 'one' | undefined;
}

/** What the server does with one call. Plain data: a step can be written by hand, or changed with a spread. */
export interface Step {
  readonly answer: Answer;
  readonly failure?: Failure | undefined;
  readonly faults: Faults;
}

export const defaultText = 'Hello from a fake backend.';

/** The model answers. */
export function reply(text: string = defaultText, answer: Omit<Answer, 'text'> = {}): Step {
  return { answer: { ...answer, text }, faults: {} };
}

/** The model calls a tool; several calls in `answer.toolCalls` come before it. */
export function toolCall(name: string, args: FakeToolCall['arguments'] = {}, answer: Answer = {}): Step {
  return { answer: { text: '', ...answer, toolCalls: [...(answer.toolCalls ?? []), { name, arguments: args }] }, faults: {} };
}

/** The model embeds: these vectors, or ones of this length that are made of the words of each input. */
export function embed(vectors: readonly (readonly number[])[] | number = 8, answer: Answer = {}): Step {
  return { answer: { ...answer, ...(typeof vectors === 'number' ? { dimensions: vectors } : { vectors }) }, faults: {} };
}

/** The counts that the server reports with an answer; `null`: none. */
export function usage(counts: Answer['usage'], step: Step = reply()): Step {
  return { ...step, answer: { ...step.answer, usage: counts } };
}

function fail(failure: Failure): Step {
  return { answer: {}, failure, faults: {} };
}

/** An error status in the shape of this server's errors. */
export function status(code: number, more: Pick<Failure, 'retryAfter' | 'message'> = {}): Step {
  return fail({ kind: 'status', status: code, ...more });
}

/** The model does not fit, in this server's literal words. */
export function outOfMemory(memory: Memory = 'cuda'): Step {
  return fail({ kind: 'out-of-memory', memory });
}

/** The GPU or its driver failed. */
export function driverFault(): Step {
  return fail({ kind: 'driver' });
}

export function queueFull(): Step {
  return fail({ kind: 'queue-full' });
}

/** Too many requests per time; seconds, or a date. */
export function rateLimited(retryAfter?: number | string): Step {
  return fail({ kind: 'rate-limit', retryAfter });
}

export function quotaExhausted(): Step {
  return fail({ kind: 'quota' });
}

export function unauthorized(): Step {
  return fail({ kind: 'auth' });
}

export function modelMissing(): Step {
  return fail({ kind: 'model-missing' });
}

export function contextLength(): Step {
  return fail({ kind: 'context-length' });
}

export function badRequest(): Step {
  return fail({ kind: 'bad-request' });
}

/** A fault of the server's own. */
export function serverError(): Step {
  return fail({ kind: 'server' });
}

/** Status 200 and an empty body. */
export function empty(): Step {
  return fail({ kind: 'empty' });
}

/** A web page in place of an answer, as proxies and tunnels send it. */
export function html(code: number = 502): Step {
  return fail({ kind: 'html', status: code });
}

/** The server loads its model for `ms` from the first call on, and treats calls meanwhile as it does; then `step`. */
export function loading(ms: number, step: Step = reply()): Step {
  return withFaults(step, { loadingMs: ms });
}

/** The server takes the call and never says anything. */
export function stallBeforeHeaders(step: Step = reply()): Step {
  return withFaults(step, { stallBeforeHeaders: true });
}

/** Silence after `pieces` pieces; the connection stays open. */
export function stallAfter(pieces: number, step: Step = reply()): Step {
  return withFaults(step, { stallAfter: pieces });
}

/** The connection ends after `pieces` pieces: closed (`fin`) or reset (`rst`). */
export function cutAfter(pieces: number, how: 'fin' | 'rst' = 'fin', step: Step = reply()): Step {
  return withFaults(step, { cutAfter: { pieces, how } });
}

/** What cannot be read stands in the place of this piece. */
export function garbageAt(piece: number, step: Step = reply()): Step {
  return withFaults(step, { garbageAt: piece });
}

/**
 * An error after `pieces` pieces of a stream, as this server tells one there: the failure of `step`; else out of memory, or, from a
 * server that has no words for that, a fault of its own.
 */
export function errorInStream(pieces: number, step: Step = reply()): Step {
  return withFaults(step, { errorAt: pieces });
}

/** Pieces come at this pace. */
export function slow(tokensPerSecond: number, step: Step = reply()): Step {
  return withFaults(step, { tokensPerSecond });
}

/** Nothing for `ms`, then `step`. */
export function after(ms: number, step: Step = reply()): Step {
  return withFaults(step, { delayMs: ms });
}

/** The same bytes in one write each, or all in one: answers must not depend on where the network cuts. */
export function inWrites(writes: 'bytes' | 'one', step: Step = reply()): Step {
  return withFaults(step, { writes });
}

function withFaults(step: Step, faults: Faults): Step {
  return { ...step, faults: { ...step.faults, ...faults } };
}
