import type { Answer, Step } from '../script.ts';
import type { Exchange, Wire } from '../wire.ts';

const mark: unique symbol = Symbol('what is done to the body of an answer');

type Edit = (exchange: Exchange) => Exchange;
type Marked = Answer & { readonly [mark]?: Edit };

/**
 * The body of the stream ends in order, as one of a proxy that gave up, but before the end of the answer: no finish reason, no
 * terminator. The script has no word for it, because to the network nothing is wrong.
 */
export function withoutEnd(step: Step): Step {
  return edited(step, (exchange) => ({ ...exchange, closing: '' }));
}

/** The same bytes, cut in the middle of each piece: every write ends one event or line and begins the next. */
export function acrossPieces(step: Step): Step {
  return edited(step, (exchange) => {
    const { opening, pieces, closing } = exchange;
    const halves = [opening, ...pieces, closing].flatMap(halvesOf);
    const joined = halves.slice(1, -1);
    const writes = joined.flatMap((half, at) => (at % 2 === 0 ? [half + (joined[at + 1] ?? '')] : []));
    return { ...exchange, opening: halves[0] ?? '', pieces: writes, closing: halves.at(-1) ?? '' };
  });
}

/** Between whole characters: single bytes are the script's own business. */
function halvesOf(text: string): readonly [string, string] {
  const characters = [...text];
  const middle = Math.ceil(characters.length / 2);
  return [characters.slice(0, middle).join(''), characters.slice(middle).join('')];
}

function edited(step: Step, edit: Edit): Step {
  const answer: Marked = { ...step.answer, [mark]: edit };
  return { ...step, answer };
}

/** The same wire, whose answers can be edited by the steps above. */
export function editable(wire: Wire): Wire {
  return {
    ...wire,
    answer(answer: Marked, call) {
      const exchange = wire.answer(answer, call);
      return answer[mark]?.(exchange) ?? exchange;
    },
  };
}
