// Runs what docs/start.md shows, and writes what it prints under it: the commands of `inferlane` by themselves, and `node chat.mjs` with the
// program that stands on the page. The servers are played on this machine; no time passes but that of a test clock.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRouter, formatRoute, type RouterOptions } from '../src/index.ts';
import { after, fakeBackend, outOfMemory, reply, type Step, testClock } from '../src/testing/index.ts';
import { hostsAt } from '../tests/acceptance/other-hosts.ts';
import { withCaptures } from '../tests/cli/captures.ts';

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
  const [, program = ''] = /^```js\n([^]*?)^```$/m.exec(page) ?? [];
  const made: string[] = [];
  for (const [block, scene = '', command = ''] of page.matchAll(shown)) {
    made.push(
      command === 'node chat.mjs'
        ? `\`\`\`console ${scene}\n$ ${command}\n${await printed(program, scene)}\`\`\``
        : await withCaptures(block),
    );
  }
  if (made.length === 0) throw new Error('docs/start.md shows no command.');
  let index = 0;
  return page.replace(shown, () => made[index++] ?? '');
}

const shown = /^```console ?(\w*)\n\$ ([^\n]*)\n[^]*?^```$/gm;

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
