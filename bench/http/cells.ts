import type { Cell } from './measure.ts';

const model = 'bench';
const short = [{ role: 'user', content: 'Say something short.' }];
const words = 'The tide comes in twice a day, and nobody has ever been able to talk it out of that. ';

/** A conversation of a day: a hundred messages of 640 characters. */
const long = Array.from({ length: 100 }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  content: words.repeat(8).slice(0, 640),
}));

export const piecesOfStream = 50;

const chat = { body: { model, messages: short }, pieces: 1 };
const longChat = { body: { model, messages: [...long, ...short] }, pieces: 1 };
const stream = { body: { model, messages: short, stream: true }, pieces: piecesOfStream };

export const chatCells: readonly Cell[] = [
  { ...chat, name: 'chat', atOnce: 1 },
  { ...chat, name: 'chat', atOnce: 16 },
  { ...chat, name: 'chat', atOnce: 64 },
  { ...longChat, name: 'long chat', atOnce: 1 },
  { ...longChat, name: 'long chat', atOnce: 16 },
];

export const streamCells: readonly Cell[] = [
  { ...stream, name: 'stream', atOnce: 1 },
  { ...stream, name: 'stream', atOnce: 16 },
];

export const bodyBytes = ({ body }: Cell): number => JSON.stringify(body).length;
