// Runs what docs/start.md shows, and writes what it prints under it: the commands of `inferlane` by themselves, and `node chat.mjs` with the
// program that stands on the page. The servers are played on this machine; no time passes but that of a test clock.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRouter, formatRoute, type RouterOptions } from '../src/index.ts';
import { after, fakeBackend, outOfMemory, reply, type Step, testClock } from '../src/testing/index.ts';
import { hostsAt } from '../tests/acceptance/other-hosts.ts';
import { withCaptures } from '../tests/cli/captures.ts';
import { blocksOf, type CodeBlock } from '../tests/docs/code-blocks.ts';

export const startPage: URL = new URL('../docs/start.md', import.meta.url);

const answer = 'Air scatters short waves of light more than long ones, so blue comes from everywhere.';

/** What each of the two servers does; without a step it is not there. */
const scenes: Readonly<Record<string, { readonly gpu?: Step; readonly cpu?: Step }>> = {
  both: { gpu: after(900, reply(answer)), cpu: after(4_000, reply(answer)) },
  stopped: { cpu: after(4_000, reply(answer)) },
  full: { gpu: after(1_600, outOfMemory('cuda')), cpu: after(4_000, reply(answer)) },
  nobody: {},
};

/** The page with everything run again. */
export async function withOutputs(page: string): Promise<string> {
  const blocks = blocksOf({ path: 'docs/start.md', text: page });
  const program = blocks.find(({ language }) => language === 'js')?.code ?? '';
  const shown = blocks.filter(({ language }) => language === 'console');
  if (shown.length === 0) throw new Error('docs/start.md shows no command.');
  // A first call loads what sends requests, which the test clock does not wait for where the machine is busy.
  await printed(program, 'both');
  const made: string[] = [];
  for (const block of shown) made.push(await runAgain(block, program));
  const lines = page.split('\n');
  // From the last one on, so that the places of the others stay where they are.
  for (const [index, { line, code }] of [...shown.entries()].toReversed()) {
    lines.splice(line - 1, code.split('\n').length + 1, made[index] ?? '');
  }
  return lines.join('\n');
}

/** The block with its fences, and under its first line, the command, what that prints now. */
async function runAgain({ name, code }: CodeBlock, program: string): Promise<string> {
  const fence = `\`\`\`console${name === '' ? '' : ` ${name}`}`;
  const command = code.slice(0, code.indexOf('\n'));
  if (command === '$ node chat.mjs') return `${fence}\n${command}\n${await printed(program, name)}\`\`\``;
  return await withCaptures(`${fence}\n${code}\`\`\``);
}

type Program = (...given: readonly unknown[]) => Promise<void>;
const AsyncFunction = (async () => undefined).constructor as new (...words: readonly string[]) => Program;

/** What the program of the page prints, as a person sees it: of an error its message, and not where it came from. */
async function printed(program: string, name: string): Promise<string> {
  const scene = scenes[name];
  if (scene === undefined) throw new Error(`docs/start.md: there is no scene ${name}.`);
  const clock = testClock();
  const played = await Promise.all(
    Object.entries({ '127.0.0.1:11434': scene.gpu, '127.0.0.1:11435': scene.cpu }).map(async ([host, step]) => {
      return step === undefined ? undefined : ([host, await fakeBackend('ollama', step, { clock }).listen()] as const);
    }),
  );
  const servers = played.filter((each) => each !== undefined);
  const transport = hostsAt(Object.fromEntries(servers.map(([host, { url }]) => [host, url])));
  const create = (options: RouterOptions) => createRouter({ ...options, clock, transport, random: () => 0.5 });
  let text = '';
  const print = (line: unknown): void => void (text += `${String(line)}\n`);
  const body = new AsyncFunction('createRouter', 'formatRoute', 'console', program.replace(/^import .*$/m, ''));
  try {
    await clock.run(body(create, formatRoute, { log: print }));
  } catch (error) {
    print(error);
  } finally {
    for (const [, server] of servers) await server.close();
  }
  return text;
}

if (import.meta.main) writeFileSync(startPage, await withOutputs(readFileSync(startPage, 'utf8')));
