import type { ErrorCode } from '../../../src/core/error-codes.ts';
import type { Exchange } from './exchange.ts';
import type { CallVerb, Protocol } from './wire-texts.ts';

/** Where in an exchange a fault belongs. An `oddity` is none: whoever reads HTTP and JSON as they are written gets the answer. */
export type Place = 'address' | 'before headers' | 'status' | 'body' | 'stream before content' | 'stream after content' | 'oddity';

/** One way in which a server can behave, as data. What it writes is run in the servers' process; the rest is read by the oracle. */
export interface Kind {
  /** Lower case and hyphens: the name travels in the prompt of each request. */
  readonly name: string;
  readonly place: Place;
  /** How the router may take it: codes of the failed attempt, and `answer` where it may give the whole answer. */
  readonly outcomes: readonly (ErrorCode | 'answer')[];
  /** Where it makes sense; left out: everywhere. */
  readonly verbs?: readonly CallVerb[];
  readonly protocols?: readonly Protocol[];
  /** Only a limit of time ends it, so a call may run into its deadline. */
  readonly hangs?: true;
  /** Left out: always. Where it does not apply the server answers well. */
  readonly applies?: (exchange: Exchange) => boolean;
  /** The connection dies before any header: the transport may send the request over another one, at most this often. */
  readonly replays?: number;
  /** Writes the answer, or what goes for one. Left out for addresses, where nothing that speaks HTTP answers. */
  readonly serve?: (exchange: Exchange) => void | Promise<void>;
}

type KindRest = Omit<Kind, 'name' | 'place' | 'outcomes' | 'serve'>;

/** Makes the kinds of one place. */
export function kindsOf(
  place: Place,
): (name: string, outcomes: Kind['outcomes'], serve: NonNullable<Kind['serve']>, rest?: KindRest) => Kind {
  return (name, outcomes, serve, rest = {}) => ({
    name,
    place,
    outcomes,
    serve,
    ...rest,
  });
}

export function fits({ verbs, protocols }: Kind, verb: CallVerb, protocol: Protocol): boolean {
  return (verbs?.includes(verb) ?? true) && (protocols?.includes(protocol) ?? true);
}

const holdsProvider: ReadonlySet<string> = new Set(['rate_limited', 'overloaded', 'quota_exhausted', 'auth']);
const holdsModel: ReadonlySet<string> = new Set(['out_of_memory', 'model_not_found', 'model_loading']);

/** What a router that met the fault holds back for a while: the whole provider, the one model there, or nothing. */
export function heldBackBy({ place, outcomes }: Kind): 'provider' | 'model' | 'nothing' {
  // The connections of a provider that is reached by no connection at all have a breaker of their own.
  if (place === 'address' || outcomes.some((code) => holdsProvider.has(code))) return 'provider';
  return outcomes.some((code) => holdsModel.has(code)) ? 'model' : 'nothing';
}

/** Whether the caller is told at once: no other provider could do better with such a request. */
export function blamesCaller({ outcomes }: Kind): boolean {
  return outcomes.includes('bad_request');
}
