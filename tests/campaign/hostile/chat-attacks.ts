import { gzipSync } from 'node:zlib';
import {
  type Attack,
  type Line,
  answerBytes,
  atOnce,
  badResponse,
  block,
  chat,
  chunked,
  deep,
  early,
  gzip,
  head,
  json,
  keys,
  kibibyte,
  lengthOf,
  limitExceeded,
  long,
  manyHeaders,
  mebibyte,
  openText,
  packed,
  patienceMs,
  polluting,
  repeat,
  timedOut,
  whole,
} from './pieces.ts';

async function endlessError(line: Line): Promise<void> {
  await line.write(head([json, 'transfer-encoding: chunked'], '500 Broken'));
  await repeat(line, 'a'.repeat(1_000), Infinity);
}

/** What a server may send in place of an answer, to fill the memory or to block the loop of whoever reads it. */
export const chatAttacks: Readonly<Record<string, Attack>> = {
  'bomb of gzip': { verb: 'chat', ends: limitExceeded, limit: atOnce, attack: whole(() => packed(openText), [json, gzip]) },
  'bomb of gzip, asked for': {
    verb: 'chat',
    asksForPacking: true,
    ends: limitExceeded,
    limit: atOnce,
    attack: whole(() => packed(openText), [json, gzip]),
  },
  'bomb of gzip in chunks': {
    verb: 'chat',
    ends: limitExceeded,
    limit: atOnce,
    attack: chunked([json, gzip], () => packed(openText)),
  },
  'bomb of gzip in an error': {
    verb: 'chat',
    ends: ['unavailable'],
    limit: atOnce,
    attack: async ({ write }) => {
      const body = packed('{"error":"');
      await write(head([json, gzip, lengthOf(body)], '500 Broken'));
      await write(body);
    },
  },
  'packed twice': {
    verb: 'chat',
    ends: badResponse,
    limit: atOnce,
    attack: whole(() => gzipSync(gzipSync(chat('"x"'))), [json, 'content-encoding: gzip, gzip']),
  },
  'packed six times': {
    verb: 'chat',
    ends: [...badResponse, 'unavailable'],
    limit: atOnce,
    // In one piece: where the end of such an answer is missing, Node's own fetch throws an exception that nobody can catch.
    attack: async ({ write }) => {
      const packings = Array.from({ length: 6 }, () => 'gzip').join(', ');
      await write(`${head([json, `content-encoding: ${packings}`, 'content-length: 1'])}x`);
    },
  },
  'no gzip at all': { verb: 'chat', ends: badResponse, limit: atOnce, attack: whole(() => chat('"x"'), [json, gzip]) },
  'endless answer': {
    verb: 'chat',
    ends: limitExceeded,
    limit: { bytes: answerBytes },
    attack: chunked([json], () => openText, 'a'.repeat(1_000)),
  },
  'endless answer of tiny chunks': {
    verb: 'chat',
    ends: [...limitExceeded, ...timedOut],
    limit: { ms: patienceMs },
    attack: async ({ write }) => {
      await write(head([json, 'transfer-encoding: chunked']));
      const tiny = '1\r\na\r\n'.repeat(10_000);
      while (await write(tiny));
    },
  },
  'endless answer beyond Latin': {
    verb: 'chat',
    ends: limitExceeded,
    limit: { bytes: answerBytes },
    attack: chunked([json], () => openText, `${'a'.repeat(1_000)}世`),
  },
  'answer of a gigabyte, announced': {
    verb: 'chat',
    ends: limitExceeded,
    limit: atOnce,
    attack: async ({ write }) => {
      await write(head([json, 'content-length: 1000000000']));
      const piece = Buffer.alloc(block, 'a');
      while (await write(piece));
    },
  },
  'endless error': { verb: 'chat', ends: ['unavailable'], limit: { bytes: block }, attack: endlessError },
  'answer 100,000 deep': { verb: 'chat', ends: limitExceeded, limit: atOnce, attack: whole(() => chat('"x"', `"deep":${deep()},`)) },
  'content 100,000 deep': { verb: 'chat', ends: limitExceeded, limit: atOnce, attack: whole(() => chat(deep())) },
  'answer 100,000 deep in objects': {
    verb: 'chat',
    ends: limitExceeded,
    limit: atOnce,
    attack: whole(() => chat('"x"', `"deep":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},`)),
  },
  'a million keys': { verb: 'chat', ends: limitExceeded, limit: atOnce, attack: whole(() => chat('"x"', `"keys":${keys(1_000_000)},`)) },
  'ten million empty objects': {
    verb: 'chat',
    ends: limitExceeded,
    limit: atOnce,
    attack: whole(() => chat('"x"', `"many":[${'{},'.repeat(10_000_000)}1],`)),
  },
  'fifteen million numbers': {
    verb: 'chat',
    ends: limitExceeded,
    limit: atOnce,
    attack: whole(() => chat('"x"', `"many":[${'1,'.repeat(15_000_000)}1],`)),
  },
  'text of ten megabytes': { verb: 'chat', ends: 'answer', limit: atOnce, attack: whole(() => chat(long(10_000_000))) },
  'error of ten megabytes': {
    verb: 'chat',
    ends: ['unavailable', 'limit_exceeded'],
    limit: atOnce,
    attack: whole(() => `{"error":${long(10_000_000)}}`),
  },
  'error that wraps empty objects': {
    verb: 'chat',
    ends: ['unavailable', 'limit_exceeded'],
    limit: atOnce,
    attack: whole(() => JSON.stringify({ error: `{"error":[${'{},'.repeat(5_000_000)}1]}` })),
  },
  'prototypes in an answer': { verb: 'chat', ends: 'answer', limit: atOnce, attack: whole(() => chat('"x"', polluting)) },
  'header of a megabyte': {
    verb: 'chat',
    ends: limitExceeded,
    limit: { bytes: 16 * kibibyte },
    attack: whole(() => chat('"x"'), [json, `x-long: ${'v'.repeat(mebibyte)}`]),
  },
  'five thousand headers': {
    verb: 'chat',
    ends: limitExceeded,
    limit: { bytes: 16 * kibibyte },
    attack: whole(() => chat('"x"'), [json, ...manyHeaders]),
  },
  'flood of early hints': { verb: 'chat', ends: [...timedOut, 'unavailable'], limit: { ms: patienceMs }, attack: early('103 Early Hints') },
  'flood of continues': {
    verb: 'chat',
    ends: [...timedOut, 'unavailable', ...badResponse],
    limit: { ms: patienceMs },
    attack: early('100 Continue'),
  },
};
