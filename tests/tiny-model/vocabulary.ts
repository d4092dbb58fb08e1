import { bool, float32, int32, list, text, uint32, type Value } from './gguf.ts';

/** Tokens with their types, by id. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  /** The id of a token; throws where there is none. */
  idOf(token: string): number;
}

/** llama.cpp's numbers for what a token is. */
const tokenType = { normal: 1, unknown: 2, control: 3, unused: 5, byte: 6 } as const;

/** SentencePiece's mark for a blank. */
export const blank = '\u2581';

export const endOfTurn = '<|im_end|>';

export interface VocabularyOptions {
  /** Written with and without a blank before them. */
  readonly words: readonly string[];
  /** The size is filled up to a multiple of this. */
  readonly multiple: number;
  /** Tokens that a model may answer with but no text is split into. */
  readonly answers?: readonly string[];
  readonly controls?: readonly string[];
}

/** A vocabulary in the manner of SentencePiece: specials, bytes, ASCII, and the words with every beginning of them. */
export function sentencePieces({ words, multiple, answers = [], controls = [] }: VocabularyOptions): Vocabulary {
  const { add, ...vocabulary } = emptyVocabulary();
  add('<unk>', tokenType.unknown);
  for (const token of ['<s>', '</s>']) add(token, tokenType.control);
  for (let byte = 0; byte < 256; byte++) add(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, tokenType.byte);
  for (const token of ['<|im_start|>', endOfTurn, ...controls]) add(token, tokenType.control);
  for (const token of [blank, ...printable()]) add(token, tokenType.normal);
  // Merging joins pieces two by two, so each beginning of a word must be a piece as well.
  for (const word of words.flatMap((word) => [blank + word, word])) {
    for (let length = 2; length <= word.length; length++) add(word.slice(0, length), tokenType.normal);
  }
  for (const token of answers) add(token, tokenType.normal);
  for (let i = 0; vocabulary.tokens.length % multiple > 0; i++) add(`<unused_${i}>`, tokenType.unused);
  return vocabulary;
}

const commonWords =
  'the a an of to in and is it on for with as at by this that from hello world cat dog car road sun moon red blue fast slow good bad day night king queen';

/** A vocabulary in the manner of BERT's word pieces; in GGUF it is the beginnings of words that carry the mark. */
export function wordPieces(): Vocabulary {
  const { add, ...vocabulary } = emptyVocabulary();
  for (const token of ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']) add(token, tokenType.control);
  for (const word of commonWords.split(' ')) add(blank + word, tokenType.normal);
  for (const character of printable()) for (const token of [blank + character, character]) add(token, tokenType.normal);
  while (vocabulary.tokens.length % 32 > 0) add(`[unused${vocabulary.tokens.length}]`, tokenType.unused);
  return vocabulary;
}

/** The tokenizer keys of a llama model. A template is left out where a model has none. */
export function sentencePieceKeys(vocabulary: Vocabulary, template: string | undefined): Record<string, Value> {
  const { tokens, types, idOf } = vocabulary;
  return {
    'tokenizer.ggml.model': text('llama'),
    'tokenizer.ggml.pre': text('default'),
    'tokenizer.ggml.tokens': list(tokens.map(text)),
    // Longer pieces win.
    'tokenizer.ggml.scores': list(tokens.map((token, id) => float32(types[id] === tokenType.normal ? token.length - 100 : 0))),
    'tokenizer.ggml.token_type': list(types.map(int32)),
    'tokenizer.ggml.bos_token_id': uint32(idOf('<s>')),
    'tokenizer.ggml.eos_token_id': uint32(idOf(endOfTurn)),
    'tokenizer.ggml.unknown_token_id': uint32(idOf('<unk>')),
    'tokenizer.ggml.add_bos_token': bool(true),
    'tokenizer.ggml.add_eos_token': bool(false),
    'tokenizer.ggml.add_space_prefix': bool(false),
    ...(template !== undefined && { 'tokenizer.chat_template': text(template) }),
  };
}

export function wordPieceKeys({ tokens, types, idOf }: Vocabulary): Record<string, Value> {
  return {
    'tokenizer.ggml.model': text('bert'),
    'tokenizer.ggml.pre': text('jina-v2-en'),
    'tokenizer.ggml.token_type_count': uint32(2),
    'tokenizer.ggml.tokens': list(tokens.map(text)),
    'tokenizer.ggml.token_type': list(types.map(int32)),
    'tokenizer.ggml.bos_token_id': uint32(idOf('[CLS]')),
    'tokenizer.ggml.eos_token_id': uint32(idOf('[SEP]')),
    'tokenizer.ggml.unknown_token_id': uint32(idOf('[UNK]')),
    // The key is spelled so in GGUF.
    'tokenizer.ggml.seperator_token_id': uint32(idOf('[SEP]')),
    'tokenizer.ggml.padding_token_id': uint32(idOf('[PAD]')),
    'tokenizer.ggml.cls_token_id': uint32(idOf('[CLS]')),
    'tokenizer.ggml.mask_token_id': uint32(idOf('[MASK]')),
  };
}

/** ASCII without blanks and controls. */
function printable(): string[] {
  return Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
}

function emptyVocabulary(): Vocabulary & { add(token: string, type: number): void } {
  const tokens: string[] = [];
  const types: number[] = [];
  const ids = new Map<string, number>();
  return {
    tokens,
    types,
    add(token, type) {
      if (ids.has(token)) return;
      ids.set(token, tokens.push(token) - 1);
      types.push(type);
    },
    idOf(token) {
      const id = ids.get(token);
      if (id === undefined) throw new Error(`the vocabulary has no token ${JSON.stringify(token)}`);
      return id;
    },
  };
}
