import type { Answer, Step } from '../script.ts';
import type { Wire } from '../wire.ts';

const mark: unique symbol = Symbol('the body ends before its terminator');

type Marked = Answer & { readonly [mark]?: true };

/**
 * The body of the stream ends in order, as one of a proxy that gave up, but before the end of the answer: no finish reason, no
 * terminator. The script has no word for it, because to the network nothing is wrong.
 */
export function withoutEnd(step: Step): Step {
  const answer: Marked = { ...step.answer, [mark]: true };
  return { ...step, answer };
}

/** The same wire, for which `withoutEnd` means something. */
export function mayEndEarly(wire: Wire): Wire {
  return {
    ...wire,
    answer(answer: Marked, call) {
      const exchange = wire.answer(answer, call);
      return answer[mark] === true ? { ...exchange, closing: '' } : exchange;
    },
  };
}
