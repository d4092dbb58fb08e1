import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from './weights.ts';

// A sentence model of 59 KB in ONNX, which @huggingface/transformers loads without a network. Its only layer gives each word its own
// random vector, so that mean pooling makes a bag of words: texts that share words are near.

const dimensions = 64;
const longest = 512;
const words =
  'the a an of to in and is it on for with as at by this that from hello world cat dog car road sun moon red blue fast slow good bad day night king queen';
const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** Writes the files of the model into a folder of its own. */
export function writeSentenceModel(folder: string): void {
  const vocabulary = vocabularyOf();
  const write = (name: string, content: object | Uint8Array): void =>
    writeFileSync(join(folder, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  write('onnx/model.onnx', onnxModel(vocabulary.size));
  write('config.json', {
    architectures: ['BertModel'],
    model_type: 'bert',
    hidden_size: dimensions,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    vocab_size: vocabulary.size,
    max_position_embeddings: longest,
    pad_token_id: 0,
  });
  write('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: longest,
    unk_token: '[UNK]',
    sep_token: '[SEP]',
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
  });
  write('tokenizer.json', tokenizer(vocabulary));
}

/** Special tokens, whole words, and every printable character at the start and in the middle of a word. */
function vocabularyOf(): ReadonlyMap<string, number> {
  const characters = Array.from({ length: 0x7f - 0x21 }, (_, at) => String.fromCharCode(0x21 + at));
  const tokens = new Set([...specials, ...words.split(' '), ...characters.flatMap((character) => [character, `##${character}`])]);
  return new Map([...tokens].map((token, id) => [token, id]));
}

const special = (token: string): object => ({ SpecialToken: { id: token, type_id: 0 } });

function tokenizer(vocabulary: ReadonlyMap<string, number>): object {
  const idOf = (token: string): number => vocabulary.get(token) ?? 0;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content) => ({
      id: idOf(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [idOf(token)], tokens: [token] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
  };
}

// ONNX is Protocol Buffers; the numbers are those of the fields in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const float = 1;
const int64 = 7;

/** last_hidden_state = embedding[input_ids] × attention_mask */
function onnxModel(tokens: number): Buffer {
  const random = seededRandom(1);
  const embedding = Buffer.from(Float32Array.from({ length: tokens * dimensions }, () => random() * 2 - 1).buffer);
  const lastAxis = Buffer.from(BigInt64Array.of(-1n).buffer);
  const graph = Buffer.concat([
    field(1, node('Gather', ['embedding', 'input_ids'], 'rows')),
    field(1, node('Cast', ['attention_mask'], 'mask', [Buffer.concat([field(1, 'to'), number(3, float), number(20, 2)])])),
    field(1, node('Unsqueeze', ['mask', 'last_axis'], 'column')),
    field(1, node('Mul', ['rows', 'column'], 'last_hidden_state')),
    field(2, 'tiny'),
    field(5, tensor('embedding', float, [tokens, dimensions], embedding)),
    field(5, tensor('last_axis', int64, [1], lastAxis)),
    field(11, port('input_ids', int64, ['batch', 'sequence'])),
    field(11, port('attention_mask', int64, ['batch', 'sequence'])),
    field(12, port('last_hidden_state', float, ['batch', 'sequence', dimensions])),
  ]);
  return Buffer.concat([number(1, 8), field(2, 'tiny-model'), field(7, graph), field(8, Buffer.concat([field(1, ''), number(2, 13)]))]);
}

function node(operator: string, inputs: readonly string[], output: string, attributes: readonly Buffer[] = []): Buffer {
  return Buffer.concat([
    ...inputs.map((input) => field(1, input)),
    field(2, output),
    field(3, output),
    field(4, operator),
    ...attributes.map((attribute) => field(5, attribute)),
  ]);
}

function tensor(name: string, type: number, shape: readonly number[], bytes: Buffer): Buffer {
  return Buffer.concat([...shape.map((length) => number(1, length)), number(2, type), field(8, name), field(9, bytes)]);
}

function port(name: string, type: number, shape: readonly (string | number)[]): Buffer {
  const axes = shape.map((axis) => field(1, typeof axis === 'number' ? number(1, axis) : field(2, axis)));
  const tensorType = Buffer.concat([number(1, type), field(2, Buffer.concat(axes))]);
  return Buffer.concat([field(1, name), field(2, field(1, tensorType))]);
}

function number(id: number, value: number): Buffer {
  return Buffer.concat([varint(id << 3), varint(value)]);
}

function field(id: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([varint((id << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
