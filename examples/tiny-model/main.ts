// Writes a tiny GGUF model that llama.cpp really infers from, in process or in its server. Nothing is downloaded.
//
//   node examples/tiny-model/main.ts chain  OUT [--text "Hello from a tiny model."] [--loop] [--layers 1] [--ff 32] [--ctx 2048]
//   node examples/tiny-model/main.ts count  OUT [--n 300]
//   node examples/tiny-model/main.ts agent  OUT [--text "…"]
//   node examples/tiny-model/main.ts random OUT [--seed 1] [--embd 64] [--layers 2]
//   node examples/tiny-model/main.ts bert   OUT [--seed 1] [--embd 64] [--layers 2]
//
// `chain --loop --layers 24 --ff 6144` is a slow one that never ends, of 371 MB, for cancelling and timeouts.
import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { encode, type Model } from '../../tests/tiny-model/gguf.ts';
import { agent, bert, chain, count, random } from '../../tests/tiny-model/models.ts';

const kinds = new Map<string, (options: object) => Model>(Object.entries({ chain, count, agent, random, bert }));
const word = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const numbers = { n: word, layers: word, ff: word, ctx: word, seed: word, embd: word };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { text: word, name: word, loop: flag, 'no-template': flag, ...numbers },
});
const [kind = '', out] = positionals;
const modelOf = kinds.get(kind);
if (modelOf === undefined || out === undefined) {
  console.error(`usage: main.ts ${[...kinds.keys()].join('|')} OUT [options]`);
  process.exit(2);
}

const { 'no-template': noTemplate = false, ...given } = values;
const options = Object.entries(given).map(([name, value]) => [name, name in numbers ? Number(value) : value]);
await writeFile(out, encode(modelOf({ template: !noTemplate, ...Object.fromEntries(options) })));
console.log(`${out}: ${statSync(out).size} bytes`);
