import type { Answer } from '../script.ts';
import type { BackendState, Exchange, Wire, WireCall } from '../wire.ts';
import type { Saying } from './case.ts';

/** The requests that one call of each verb made; for the first three, those for an answer. None where the adapter lacks the verb. */
export interface Samples {
  readonly chat: readonly WireCall[];
  readonly stream: readonly WireCall[];
  readonly embed: readonly WireCall[];
  readonly models: readonly WireCall[];
  readonly load: readonly WireCall[];
}

const counts = { promptTokens: 4_711, completionTokens: 815 };
const model = { id: 'a-model', sizeBytes: 1_000 };

/** What cannot be said leaves the bytes as they are. One request that brings it out is enough: an adapter may forget to ask for it. */
export function canSay(saying: Saying, wire: Wire, { chat, stream, embed, models, load }: Samples): boolean {
  const answers = [...chat, ...stream];
  switch (saying) {
    case 'reasoning':
      return tells(wire, answers, { reasoning: 'Hm.' }, {});
    case 'continuation':
      return wire.begunBy !== undefined;
    case 'a reached limit':
      return tells(wire, answers, { finishReason: 'length' }, { finishReason: 'stop' });
    case 'content filter':
      return tells(wire, answers, { finishReason: 'content_filter' }, { finishReason: 'stop' });
    case 'usage':
      return tells(wire, answers, { usage: counts }, { usage: null });
    case 'no usage':
      // Either it can be left out, or it is never there.
      return tells(wire, answers, { usage: null }, {}) || !tells(wire, answers, { usage: counts }, {});
    case 'usage of embeddings':
      return tells(wire, embed, { usage: counts }, {});
    case 'several models':
      return tellsState(wire, models, { models: [model] }, { models: [model, { id: 'another' }] });
    case 'resident models':
      // Some servers list the loaded ones among all that they have.
      return tellsState(wire, load, { models: [model] }, { models: [model], resident: [model] });
    case 'running calls':
      return tellsState(wire, load, {}, { running: 2 });
  }
}

/** Whether the server's answers to these requests differ. */
function tells(wire: Wire, calls: readonly WireCall[], one: Answer, other: Answer): boolean {
  return calls.length === 0 || calls.some((call) => bytesOf(wire.answer(one, call)) !== bytesOf(wire.answer(other, call)));
}

/** Whether its reports do. */
function tellsState(wire: Wire, calls: readonly WireCall[], one: Partial<BackendState>, other: Partial<BackendState>): boolean {
  const state: BackendState = { models: [], resident: [], running: 0, waiting: 0 };
  const reportOf = (call: WireCall, part: Partial<BackendState>): string | undefined => {
    const told = wire.tell(call, { ...state, ...part });
    return told && bytesOf(told);
  };
  return calls.length === 0 || calls.some((call) => reportOf(call, one) !== reportOf(call, other));
}

function bytesOf({ opening, pieces, closing }: Exchange): string {
  return opening + pieces.join('') + closing;
}
