import type { Given } from './smoke/ground.ts';
import { linesOf } from './smoke/index.ts';

// The start on Node, Bun and Deno: what the driver says is the one argument. The process has to end by itself.

const installed = new URL('node_modules/inferlane/dist/index.js', import.meta.url).href;
if (import.meta.resolve('inferlane') !== installed) throw new Error('This would not try the installed package.');

const given = JSON.parse(process.argv[2] ?? '') as Given;
for await (const line of linesOf(given)) console.log(line);
