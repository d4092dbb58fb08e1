import type { ChatMessage } from '../../src/index.ts';

/** One request of the workload, and what became of it. */
export interface SimRequest {
  /** Its number, counted from 0. */
  readonly id: number;
  readonly arrivedMs: number;
  readonly model: string;
  readonly intent: string;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly session: string | undefined;
  /** Tokens of the prompt that some machine has computed already: all but what was said last. */
  readonly sharedTokens: number;
  readonly messages: readonly ChatMessage[];
  /** Only this provider. */
  readonly only?: string;
  // What follows is written by the machine that serves it.
  /** When it got its slot, the last time. */
  startedMs: number;
  foundTokens: number;
  machine: number;
}

export type NewRequest = Omit<SimRequest, 'startedMs' | 'foundTokens' | 'machine'>;

export function newRequest(given: NewRequest): SimRequest {
  return { ...given, startedMs: Number.NaN, foundTokens: 0, machine: -1 };
}

/** What a client tells of a request. `first` may be missing, one of the others comes once and last. */
export interface Report {
  first(): void;
  done(): void;
  /** `why` is a code of the router, or what the last machine said. */
  failed(why: string): void;
}

/** Somebody who sends requests to machines. */
export interface Client {
  send(request: SimRequest, report: Report): void;
  close(): Promise<void>;
}
