import type { Answer } from '../script.ts';
import type { WireCall } from '../wire.ts';
import { type Fields, fieldsOf } from './fields.ts';

/** How a server continues the last message, where it is one of an assistant. */
export interface Continues {
  readonly isAsked: (body: Fields) => boolean;
  /** What is written begins with the text that was given. */
  readonly repeats: (call: WireCall) => boolean;
}

export function begunIn({ isAsked }: Continues, { body }: WireCall): string | undefined {
  const fields = fieldsOf(body);
  return isAsked(fields) ? lastOfAssistant(fields) : undefined;
}

/** As much of an answer as the server writes. */
export function saidBy(continues: Continues | undefined, answer: Answer, call: WireCall): Answer {
  const begun = continues && begunIn(continues, call);
  if (continues === undefined || begun === undefined) return answer;
  return continues.repeats(call) ? repeatedBy(answer, begun) : restOf(answer, begun);
}

/** The text of the last message, where it is one of the assistant; undefined where it is not, or says nothing. */
export function lastOfAssistant({ messages }: Fields): string | undefined {
  const last = fieldsOf(Array.isArray(messages) ? messages.at(-1) : undefined);
  const { role, content } = last;
  return role === 'assistant' && typeof content === 'string' && content !== '' ? content : undefined;
}

/** What the model still says: the answer without its beginning. An answer that begins with something else is taken for the rest. */
export function restOf(answer: Answer, begun: string): Answer {
  const pieces = answer.pieces ?? [];
  const text = answer.text ?? pieces.join('');
  if (!text.startsWith(begun)) return answer;
  let left = begun.length;
  const rest = pieces.map((piece) => {
    const cut = piece.slice(left);
    left = Math.max(0, left - piece.length);
    return cut;
  });
  return { ...answer, text: text.slice(begun.length), ...(answer.pieces && { pieces: rest.filter((piece) => piece !== '') }) };
}

/** The whole answer, as of servers that repeat the beginning. It comes back in one piece with the first that is new. */
function repeatedBy(answer: Answer, begun: string): Answer {
  const { text = '', pieces = [text], ...other } = restOf(answer, begun);
  const [first = '', ...others] = pieces;
  return { ...other, text: begun + text, pieces: [begun + first, ...others] };
}
