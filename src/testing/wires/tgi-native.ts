import type { Answer } from '../script.ts';
import { type Exchange, jsonExchange, type WireCall } from '../wire.ts';
import { type Fields, fieldsOf, textsOf } from './fields.ts';
import { countWords, hashOf, sceneOf } from './scene.ts';

// TGI 3.3's own protocol: `/generate` and `/generate_stream` (`router/src/server.rs`, `router/src/lib.rs`).

interface Spoken {
  readonly pieces: readonly string[];
  /** As `generated_text` has it: behind the prompt where that was asked for. */
  readonly text: string;
  readonly reachedLimit: boolean;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Old servers do not count the prompt. */
  readonly countsPrompt: boolean;
  /** The request asks for the reason of the end and the counts. */
  readonly details: boolean;
  readonly seed: unknown;
}

function spokenOf(answer: Answer, call: WireCall): Spoken {
  const { inputs, parameters } = fieldsOf(call.body);
  const { details, return_full_text, seed = null } = fieldsOf(parameters);
  const { pieces, finish } = sceneOf(answer, call);
  const prompt = textsOf(inputs).join('');
  return {
    pieces,
    text: (return_full_text === true ? prompt : '') + pieces.join(''),
    reachedLimit: finish === 'length',
    promptTokens: answer.usage?.promptTokens ?? countWords(prompt),
    completionTokens: answer.usage?.completionTokens ?? pieces.length,
    countsPrompt: answer.usage !== null,
    details: details === true,
    seed,
  };
}

/** A whole answer. What it counted stands in `details`, the prompt in a header only. */
export function generated(answer: Answer, call: WireCall): Exchange {
  const spoken = spokenOf(answer, call);
  const tokens = [...spoken.pieces.map(token), ...(spoken.reachedLimit ? [] : [endToken])];
  const details = spoken.details && { details: { ...detailsOf(spoken), prefill: [], tokens } };
  return jsonExchange({ generated_text: spoken.text, ...details }, 200, {
    'x-compute-type': 'gpu+optimized',
    ...(spoken.countsPrompt && { 'x-prompt-tokens': String(spoken.promptTokens) }),
    'x-generated-tokens': String(spoken.completionTokens),
  });
}

/**
 * One event per token; the last one holds the whole text again. It is the end-of-sequence token, or, where the answer reached its
 * limit, the last token of the text.
 */
export function tokenStream(answer: Answer, call: WireCall): Exchange {
  const spoken = spokenOf(answer, call);
  const { pieces, reachedLimit } = spoken;
  const atLimit = reachedLimit ? pieces.at(-1) : undefined;
  const before = atLimit === undefined ? pieces : pieces.slice(0, -1);
  const last = atLimit === undefined ? endToken : token(atLimit);
  const details = spoken.details ? { ...detailsOf(spoken), ...(spoken.countsPrompt && { input_length: spoken.promptTokens }) } : null;
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'x-compute-type': 'gpu+optimized',
    },
    opening: '',
    pieces: before.map((piece, index) => event({ index: index + 1, token: token(piece), generated_text: null, details: null })),
    closing: event({ index: before.length + 1, token: last, generated_text: spoken.text, details }),
  };
}

function detailsOf({ reachedLimit, completionTokens, seed }: Spoken): Fields {
  return { finish_reason: reachedLimit ? 'length' : 'eos_token', generated_tokens: completionTokens, seed };
}

const endToken: Fields = { id: 2, text: '</s>', logprob: -0.01, special: true };

function token(text: string): Fields {
  return { id: hashOf(text) % 32_000, text, logprob: -0.1, special: false };
}

/** Without a blank behind the colon, as this server writes it. */
function event(value: Fields): string {
  return `data:${JSON.stringify(value)}\n\n`;
}
