import { bool, f32, float32, type Model, type Tensor, text, uint32, type Value } from './gguf.ts';
import { wordPieceKeys, wordPieces } from './vocabulary.ts';
import { normal, ones, seededRandom, zeros } from './weights.ts';

export interface BertOptions {
  readonly seed?: number;
  /** Length of its vectors. */
  readonly embd?: number;
  readonly layers?: number;
}

/** An encoder with seeded weights and mean pooling: vectors of texts that share words are near each other. */
export function bert({ seed = 1, embd = 64, layers = 2 }: BertOptions = {}): Model {
  const vocabulary = wordPieces();
  const numbers = seededRandom(seed);
  const weights = (name: string, from: number, to: number, scale: number): Tensor =>
    f32(name, [from, to], normal(numbers, from * to, scale));
  const layer = (prefix: string): Tensor[] => bertLayer(prefix, embd, weights);
  return {
    metadata: { ...bertKeys(embd, layers), ...wordPieceKeys(vocabulary) },
    tensors: [
      weights('token_embd.weight', embd, vocabulary.tokens.length, 1),
      weights('position_embd.weight', embd, bertContext, 0.05),
      weights('token_types.weight', embd, 2, 0.05),
      f32('token_embd_norm.weight', [embd], ones(embd)),
      f32('token_embd_norm.bias', [embd], zeros(embd)),
      ...Array.from({ length: layers }, (_, index) => layer(`blk.${index}`)).flat(),
    ],
  };
}

const bertContext = 512;

function bertLayer(prefix: string, embd: number, weights: (name: string, from: number, to: number, scale: number) => Tensor): Tensor[] {
  const ff = embd * 4;
  // Small, so that the words outweigh what the layers make of them.
  const scale = 0.3 / Math.sqrt(embd);
  const bias = (name: string, size: number): Tensor => f32(`${prefix}.${name}.bias`, [size], zeros(size));
  return [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((name) => [
      weights(`${prefix}.${name}.weight`, embd, embd, scale),
      bias(name, embd),
    ]),
    ...['attn_output_norm', 'layer_output_norm'].flatMap((name) => [f32(`${prefix}.${name}.weight`, [embd], ones(embd)), bias(name, embd)]),
    weights(`${prefix}.ffn_up.weight`, embd, ff, scale),
    bias('ffn_up', ff),
    weights(`${prefix}.ffn_down.weight`, ff, embd, 0.3 / Math.sqrt(ff)),
    bias('ffn_down', embd),
  ];
}

function bertKeys(embd: number, layers: number): Record<string, Value> {
  return {
    'general.architecture': text('bert'),
    'general.name': text('tiny-bert'),
    'general.file_type': uint32(0),
    'bert.block_count': uint32(layers),
    'bert.context_length': uint32(bertContext),
    'bert.embedding_length': uint32(embd),
    'bert.feed_forward_length': uint32(embd * 4),
    'bert.attention.head_count': uint32(4),
    'bert.attention.layer_norm_epsilon': float32(1e-12),
    'bert.attention.causal': bool(false),
    // Mean.
    'bert.pooling_type': uint32(1),
  };
}
