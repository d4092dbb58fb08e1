// The GGUF container, version 3: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Everything is little-endian.

/** A metadata value, encoded: its type's number and its bytes. */
export interface Value {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface Tensor {
  readonly name: string;
  /** Fastest dimension first, as ggml counts them. */
  readonly shape: readonly number[];
  readonly type: 'F32' | 'F16';
  readonly data: Uint8Array;
}

export interface Model {
  /** Written in the order of insertion. */
  readonly metadata: Readonly<Record<string, Value>>;
  readonly tensors: readonly Tensor[];
}

const tensorTypes = { F32: 0, F16: 1 } as const;
const version = 3;
const alignment = 32;

export function uint32(value: number): Value {
  return { type: 4, bytes: unsigned32(value) };
}

export function int32(value: number): Value {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return { type: 5, bytes };
}

export function float32(value: number): Value {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return { type: 6, bytes };
}

export function bool(value: boolean): Value {
  return { type: 7, bytes: Uint8Array.of(value ? 1 : 0) };
}

export function text(value: string): Value {
  return { type: 8, bytes: prefixedText(value) };
}

/** Items of one type; an empty list would have none to name. */
export function list(items: readonly Value[]): Value {
  const [first] = items;
  if (first === undefined) throw new Error('a list needs an item');
  return { type: 9, bytes: Buffer.concat([unsigned32(first.type), unsigned64(items.length), ...items.map(({ bytes }) => bytes)]) };
}

export function f32(name: string, shape: readonly number[], data: Uint8Array): Tensor {
  return { name, shape, type: 'F32', data };
}

export function f16(name: string, shape: readonly number[], data: Uint8Array): Tensor {
  return { name, shape, type: 'F16', data };
}

/** The file in pieces, to be written one after the other. Tensors may share their bytes: a large model takes little memory. */
export function encode({ metadata, tensors }: Model): readonly Uint8Array[] {
  const entries = Object.entries(metadata);
  const head = [Buffer.from('GGUF'), unsigned32(version), unsigned64(tensors.length), unsigned64(entries.length)];
  for (const [key, { type, bytes }] of entries) head.push(prefixedText(key), unsigned32(type), Buffer.from(bytes));
  let offset = 0;
  for (const { name, shape, type, data } of tensors) {
    head.push(prefixedText(name), unsigned32(shape.length), ...shape.map(unsigned64), unsigned32(tensorTypes[type]), unsigned64(offset));
    offset += data.length + padding(data.length).length;
  }
  const start = Buffer.concat(head);
  return [start, padding(start.length), ...tensors.flatMap(({ data }) => [data, padding(data.length)])];
}

function unsigned32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function unsigned64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function prefixedText(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([unsigned64(bytes.length), bytes]);
}

function padding(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment);
}
