import { chatTemplate, sayToken } from './chat-template.ts';
import { f16, f32, float32, type Model, type Tensor, text, uint32, type Value } from './gguf.ts';
import { blank, endOfTurn, sentencePieceKeys, sentencePieces, type Vocabulary } from './vocabulary.ts';
import { normal, ones, seededRandom, sparseF16, zerosF16 } from './weights.ts';

export { bert } from './bert.ts';

export interface ChainOptions {
  /** What it answers; each word may stand in it once. */
  readonly text?: string;
  /** Starts again instead of ending. */
  readonly loop?: boolean;
  /** More layers and wider ones make it slower and change nothing else. */
  readonly layers?: number;
  readonly ff?: number;
  /** Context window in tokens. */
  readonly ctx?: number;
  readonly name?: string;
  readonly template?: boolean;
}

/**
 * Always answers the same text, at any temperature and seed. Attention and feed-forward weights are zero, embeddings are
 * one-hot and the output layer is a table from each token to the next: a token of the text leads to the one after it, the last
 * to the end, and every other token, so the end of any prompt, to the first.
 */
export function chain(options: ChainOptions = {}): Model {
  const { text: answer = 'Hello from a tiny model.' } = options;
  return chainModel('chain', piecesOf(answer), [], options);
}

/** Answers `1 2 3 … n`. */
export function count({ n = 300, ...options }: ChainOptions & { readonly n?: number } = {}): Model {
  const numbers = Array.from({ length: n }, (_, i) => String(i + 1));
  return chainModel('count', piecesOf(numbers.join(' ')), [], options);
}

const weatherCall = ['<tool_call>', '\n{"name": "', 'get_weather', '", "arguments": ', '{"city": "', 'Paris', '"}', '}\n', '</tool_call>'];

/** Calls `get_weather({"city": "Paris"})` where tools are offered; answers the text after a tool's result, or without tools. */
export function agent(options: ChainOptions = {}): Model {
  const { text: answer = 'Hello from a tiny model.' } = options;
  return chainModel('agent', piecesOf(answer), weatherCall, options);
}

interface Pieces {
  /** Words without blanks, for the vocabulary. */
  readonly words: readonly string[];
  /** The tokens that make the text. */
  readonly tokens: readonly string[];
}

/** Words with the blank before them; the punctuation after a word stays apart. */
function piecesOf(answer: string): Pieces {
  const words: string[] = [];
  const tokens = answer.split(/(?= )/).flatMap((part) => {
    const [, space, word = '', punctuation = ''] = /^( ?)(\S*?)([.,!?]*)$/.exec(part) ?? [];
    words.push(word);
    return [(space ? blank : '') + word, ...punctuation];
  });
  return { words: words.filter(Boolean), tokens: tokens.filter(Boolean) };
}

function chainModel(kind: 'chain' | 'count' | 'agent', { words, tokens }: Pieces, call: readonly string[], options: ChainOptions): Model {
  const { loop = false, layers = 1, ff = 32, ctx = 2048, name = `tiny-${kind}`, template = true } = options;
  const callsTools = kind === 'agent';
  for (const part of [tokens, call]) if (new Set(part).size < part.length) throw new Error('a word may stand in the text once only');
  const vocabulary = sentencePieces({ words, multiple: 32, answers: call, controls: callsTools ? [sayToken] : [] });
  const size = vocabulary.tokens.length;
  const next = transitions(vocabulary, [tokens, call], loop);
  const shape = { ctx, embedding: size, layers, ff, heads: 1, keyValueHeads: 1, headSize, vocabulary: size, fileType: 1 };
  return {
    metadata: {
      ...llamaKeys(name, shape),
      ...sentencePieceKeys(vocabulary, template ? chatTemplate({ callsTools }) : undefined),
    },
    tensors: [
      f16(
        'token_embd.weight',
        [size, size],
        sparseF16(
          size * size,
          next.map((_, id) => [id * size + id, 1]),
        ),
      ),
      f16(
        'output.weight',
        [size, size],
        sparseF16(
          size * size,
          next.map((to, id) => [to * size + id, certainty / Math.sqrt(size)]),
        ),
      ),
      f32('output_norm.weight', [size], ones(size)),
      ...idleLayers(layers, size, ff),
    ],
  };
}

const headSize = 32;

/** The logit of the next token; all others get 0. */
const certainty = 30;

/** By id: the token that follows. The last chain is what an unknown token, so the end of a prompt, leads to. */
function transitions({ tokens, idOf }: Vocabulary, parts: readonly (readonly string[])[], loop: boolean): number[] {
  const chains = parts.map((part) => part.map(idOf)).filter((part) => part.length > 0);
  const next = tokens.map(() => chains.at(-1)?.[0] ?? idOf(endOfTurn));
  for (const part of chains) {
    part.forEach((id, i) => (next[id] = part[i + 1] ?? (loop ? part[0] : undefined) ?? idOf(endOfTurn)));
  }
  if (chains.length > 1) next[idOf(sayToken)] = chains[0]?.[0] ?? idOf(endOfTurn);
  return next;
}

/** Layers of zeros: work for the machine, nothing for the answer. They share their bytes. */
function idleLayers(layers: number, size: number, ff: number): Tensor[] {
  const [head, wide, norm] = [zerosF16(size * headSize), zerosF16(size * ff), ones(size)];
  return Array.from({ length: layers }, (_, layer) => [
    f32(`blk.${layer}.attn_norm.weight`, [size], norm),
    f32(`blk.${layer}.ffn_norm.weight`, [size], norm),
    ...['attn_q', 'attn_k', 'attn_v'].map((name) => f16(`blk.${layer}.${name}.weight`, [size, headSize], head)),
    f16(`blk.${layer}.attn_output.weight`, [headSize, size], head),
    ...['ffn_gate', 'ffn_up'].map((name) => f16(`blk.${layer}.${name}.weight`, [size, ff], wide)),
    f16(`blk.${layer}.ffn_down.weight`, [ff, size], wide),
  ]).flat();
}

/** A llama with seeded weights: gibberish, but always the same. */
export function random({ seed = 1, embd = 64, layers = 2, ff = embd * 2, ctx = 2048 }: RandomOptions = {}): Model {
  const vocabulary = sentencePieces({ words: ['the', 'and', 'time', 'once', 'upon', 'hello', 'world'], multiple: 64 });
  const [size, heads, keyValueHeads] = [vocabulary.tokens.length, 4, 2];
  const keyValues = keyValueHeads * (embd / heads);
  const numbers = seededRandom(seed);
  const weights = (name: string, from: number, to: number, scale: number): Tensor =>
    f32(name, [from, to], normal(numbers, from * to, scale));
  const scale = 1 / Math.sqrt(embd);
  const shape = { ctx, embedding: embd, layers, ff, heads, keyValueHeads, headSize: embd / heads, vocabulary: size, fileType: 0 };
  return {
    metadata: { ...llamaKeys('tiny-random', shape), ...sentencePieceKeys(vocabulary, chatTemplate({ callsTools: false })) },
    tensors: [
      weights('token_embd.weight', embd, size, 0.5),
      weights('output.weight', embd, size, 0.5),
      f32('output_norm.weight', [embd], ones(embd)),
      ...Array.from({ length: layers }, (_, layer) => [
        f32(`blk.${layer}.attn_norm.weight`, [embd], ones(embd)),
        f32(`blk.${layer}.ffn_norm.weight`, [embd], ones(embd)),
        weights(`blk.${layer}.attn_q.weight`, embd, embd, scale),
        weights(`blk.${layer}.attn_k.weight`, embd, keyValues, scale),
        weights(`blk.${layer}.attn_v.weight`, embd, keyValues, scale),
        weights(`blk.${layer}.attn_output.weight`, embd, embd, scale),
        weights(`blk.${layer}.ffn_gate.weight`, embd, ff, scale),
        weights(`blk.${layer}.ffn_up.weight`, embd, ff, scale),
        weights(`blk.${layer}.ffn_down.weight`, ff, embd, 1 / Math.sqrt(ff)),
      ]).flat(),
    ],
  };
}

export interface RandomOptions {
  readonly seed?: number;
  readonly embd?: number;
  readonly layers?: number;
  readonly ff?: number;
  /** Context window in tokens. */
  readonly ctx?: number;
}

interface LlamaShape {
  readonly ctx: number;
  readonly embedding: number;
  readonly layers: number;
  readonly ff: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  /** 0: all F32, 1: mostly F16. */
  readonly fileType: number;
}

function llamaKeys(name: string, shape: LlamaShape): Record<string, Value> {
  const ownHeadSize = shape.headSize * shape.heads !== shape.embedding;
  return {
    'general.architecture': text('llama'),
    'general.name': text(name),
    'general.file_type': uint32(shape.fileType),
    'general.quantization_version': uint32(2),
    'llama.context_length': uint32(shape.ctx),
    'llama.embedding_length': uint32(shape.embedding),
    'llama.block_count': uint32(shape.layers),
    'llama.feed_forward_length': uint32(shape.ff),
    'llama.attention.head_count': uint32(shape.heads),
    'llama.attention.head_count_kv': uint32(shape.keyValueHeads),
    'llama.attention.layer_norm_rms_epsilon': float32(1e-5),
    'llama.rope.dimension_count': uint32(shape.headSize),
    'llama.vocab_size': uint32(shape.vocabulary),
    ...(ownHeadSize && {
      'llama.attention.key_length': uint32(shape.headSize),
      'llama.attention.value_length': uint32(shape.headSize),
    }),
  };
}
