// Writes a tiny GGUF model that llama.cpp really infers from, in process or in its server. Nothing is downloaded.
//
//   node examples/tiny-model/main.ts chain  OUT [--text "Hello from a tiny model."] [--loop] [--layers 1] [--ff 32] [--ctx 2048]
//   node examples/tiny-model/main.ts count  OUT [--n 300]
//   node examples/tiny-model/main.ts agent  OUT [--text "…"]
//   node examples/tiny-model/main.ts random OUT [--seed 1] [--embd 64] [--layers 2]
//   node examples/tiny-model/main.ts bert   OUT [--seed 1] [--embd 64] [--layers 2]
//
// `chain --loop --layers 24 --ff 6144` is a slow one that never ends, of 371 MB, for cancelling and timeouts.
import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { encode, type Model } from './gguf.ts';
import { agent, bert, chain, count, random } from './models.ts';

const kinds = { chain, count, agent, random, bert };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'string' },
    name: { type: 'string' },
    loop: { type: 'boolean' },
    'no-template': { type: 'boolean' },
    n: { type: 'string' },
    layers: { type: 'string' },
    ff: { type: 'string' },
    ctx: { type: 'string' },
    seed: { type: 'string' },
    embd: { type: 'string' },
  },
});
const [kind = '', out] = positionals;
if (!isKind(kind) || out === undefined) {
  console.error(`usage: main.ts ${Object.keys(kinds).join('|')} OUT [options]`);
  process.exit(2);
}
const bytes = write(kinds[kind](options()), out);
console.log(`${out}: ${bytes} bytes`);

function isKind(value: string): value is keyof typeof kinds {
  return Object.hasOwn(kinds, value);
}

/** What was given, in the shape of the models' options; what was not is left out, so that their defaults hold. */
function options(): Record<string, never> {
  const { loop, 'no-template': noTemplate, text, name, ...numbers } = values;
  const given = { loop, text, name, ...(noTemplate && { template: false }), ...numbers };
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, key in numbers ? Number(value) : value])) as Record<string, never>;
}

function write(model: Model, path: string): number {
  const file = openSync(path, 'w');
  try {
    return encode(model).reduce((total, piece) => total + writeSync(file, piece), 0);
  } finally {
    closeSync(file);
  }
}
