// What the fake server sends, known to both sides, so that every answer can be checked.

/** The name of a model says which way its streams come. */
export interface StreamShape {
  readonly events: number;
  /** Left out: as fast as the client reads. */
  readonly everyMs?: number;
  /** Events in one write, each in an HTTP chunk of its own. */
  readonly burst: number;
  /** Never ends. */
  readonly holds?: true;
}

export type StreamName = 'quick' | 'paced' | 'full' | 'held';

export const streamShapes: Readonly<Record<StreamName, StreamShape>> = {
  quick: { events: 10, burst: 1 },
  paced: { events: 50, everyMs: 5, burst: 1 },
  full: { events: 2_000, burst: 16 },
  held: { events: 1, burst: 1, holds: true },
};

export const wordAt = (index: number): string => ` word${index}`;

/** The length of all the text of a stream. */
export function textLengthOf(name: StreamName): number {
  return Array.from({ length: streamShapes[name].events }, (_, index) => wordAt(index).length).reduce((sum, length) => sum + length, 0);
}

export const chatText = 'A short answer of a few words.';
export const promptText = 'Say something short.';

export const vectorCount = 64;
export const vectorLength = 1_536;

/** What a model of embeddings gives: single precision, written out in full. */
export const valueAt = (vector: number, index: number): number => Math.fround(Math.sin(vector * 31 + index) / 25);

export const embedInputs: readonly string[] = Array.from(
  { length: vectorCount },
  (_, index) => `The tide comes in twice a day, note ${index}.`,
);
