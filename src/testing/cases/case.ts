import type { Adapter, Feature, Parameter } from '../../index.ts';
import type { FakeCall, ListeningBackend, Rule, StateItem } from '../backend.ts';
import type { FailureKind, Step } from '../script.ts';

/**
 * What a case is about. Features and verbs: the adapter declares them. `failure:…`: this server has words for it, for an embedding
 * `embed-failure:…`, in the middle of a stream `mid-stream:…`. `parameter:…`: the adapter does not ignore it. `says:…`: this
 * protocol can carry it.
 */
export type Need =
  | Feature
  | 'chat'
  | 'embed'
  | 'models'
  | 'health'
  | 'load'
  | `failure:${FailureKind}`
  | `parameter:${Parameter}`
  | `embed-failure:${FailureKind}`
  | `mid-stream:${FailureKind}`
  | `says:${Saying}`
  // The server streams; a stream that is made of a whole answer has nothing to cut.
  | 'stream'
  // A stream can end by its body alone only where no terminator is due.
  | 'terminator'
  // The server reads the model's name.
  | 'model name'
  // Something is left for the contrary: parameters that are ignored, features or verbs that are not declared.
  | 'ignores'
  | 'lacks a feature'
  | 'lacks a verb'
  // Signed thoughts mean nothing to it.
  | 'no thoughts of its own';

/** What some protocols have no place for. */
export type Saying =
  | 'reasoning'
  | 'continuation'
  | 'a reached limit'
  | 'content filter'
  | 'usage'
  | 'no usage'
  | 'usage of embeddings'
  | 'several models'
  | 'resident models'
  | 'running calls';

export type Group =
  | 'contract'
  | 'chat'
  | 'stream'
  | 'continuation'
  | 'tools'
  | 'formats'
  | 'embed'
  | 'errors'
  | 'abort'
  | 'concurrency'
  | 'other verbs';

/** One behaviour that every adapter must have. Knows what an answer means and nothing of how a server writes it. */
export interface AdapterCase {
  /** Unique within the suite. */
  readonly name: string;
  readonly group: Group;
  readonly needs: readonly Need[];
  /** Rejects with an `AssertionError` where the adapter does something else. Needs a bench that no other case has used. */
  run(bench: Bench): Promise<void>;
}

/** An adapter that speaks to a fake of its server. */
export interface Bench extends AsyncDisposable {
  readonly adapter: Adapter;
  /** The server's name for the model; undefined where calls name none. */
  readonly model: string | undefined;
  readonly backend: ListeningBackend;
  /** From now on this script, from its start. */
  play(...script: readonly (Step | Rule | StateItem)[]): void;
  /** Calls for answers since the last `play()`, in the order of arrival. */
  readonly calls: readonly FakeCall[];
  /** The text of which a call asks the server for the rest; undefined where it asks for a new answer. */
  begunBy(call: FakeCall): string | undefined;
  /** The server has words for this failure of a chat; for an embedding, where it only embeds. */
  says(kind: FailureKind): boolean;
  /** Why a need is not met, as a sentence; undefined where it is. */
  lacks(need: Need): string | undefined;
  /** Closes the adapter and the server; for tests without `await using`. */
  close(): Promise<void>;
}

/** Why a case does not concern this adapter, or undefined where it does. */
export function skipReason(adapterCase: AdapterCase, bench: Bench): string | undefined {
  for (const need of adapterCase.needs) {
    const reason = bench.lacks(need);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

type Define = (name: string, needs: readonly Need[], run: AdapterCase['run']) => AdapterCase;

/** Makes the cases of one group. */
export function inGroup(group: Group): Define {
  return (name, needs, run) => ({ name, group, needs, run });
}
