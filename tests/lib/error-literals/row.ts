import type { ErrorCode } from '../../../src/core/error-codes.ts';

/** One thing that one server says, and what it must be taken for. */
export interface ErrorLiteral {
  readonly trigger: string;
  /** `stream`: inside a stream or a 200. */
  readonly status: number | 'stream';
  /** A string goes over the wire as it is, everything else as JSON. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: no error in it. */
  readonly expected: ErrorCode | undefined;
}

export function says(
  trigger: string,
  status: number | 'stream',
  body: unknown,
  expected: ErrorCode | undefined,
  headers: Readonly<Record<string, string>> = {},
): ErrorLiteral {
  return { trigger, status, body, headers, expected };
}

/** The body of OpenAI-like servers; `code` is a status in vLLM's and llama.cpp's. */
export function inError(
  message: string,
  type: string | null = null,
  code: string | number | null = null,
  param: string | null = null,
): object {
  return { error: { message, type, param, code } };
}
