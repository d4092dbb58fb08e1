import { isRouterError } from '../../src/index.ts';

/** One sentence on what ended the demo. A package or binary that is missing says itself what to install. */
export function whatWentWrong(error: unknown): string {
  const missing = isRouterError(error) ? error.attempts.find((attempt) => attempt.error.code === 'unsupported') : undefined;
  if (missing) return `The demo infers on this machine's CPU. ${missing.error.message}`;
  return `The demo went wrong: ${error instanceof Error ? error.message : String(error)}`;
}
