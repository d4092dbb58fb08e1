import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figuresOf, type Sample } from '../../src/cli/bench-figures.ts';
import { benchText } from '../../src/cli/bench-text.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { type CliIo, type Outgoing, Stop } from '../../src/cli/io.ts';
import { usualPlaces } from '../../src/cli/local-servers.ts';
import { usualPort } from '../../src/cli/serve-settings.ts';
import { table } from '../../scripts/markdown-table.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { fakeBackend, models, reply, testClock } from '../../src/testing/index.ts';

// What the guide shows of each command: run again, and written by `node scripts/write-command-line.ts`.

const block = /```console ?(\w*)\n([^]*?)\n```/g;

/** What a block begins with: nothing configured, a file, a key of a cloud beside the servers, or no server. */
type Scene = '' | 'file' | 'cloud' | 'nobody';

/** The page with every block of commands run again: each line that begins with `$`, and under it what it prints; and the exit codes. */
export async function withCaptures(page: string): Promise<string> {
  const made: string[] = [];
  for (const [, scene = '', text = ''] of page.matchAll(block)) {
    const outputs = await inWorld(text.match(/^\$ .*$/gm) ?? [], scene as Scene);
    made.push(`\`\`\`console${scene === '' ? '' : ` ${scene}`}\n${outputs.join('\n')}\`\`\``);
  }
  let index = 0;
  return page
    .replace(block, () => made[index++] ?? '')
    .replace(/\| Code +\|[^]*?\n(?=\n)/, () => table(['Code', 'Meaning'], Object.entries(exitCodes)));
}

const answer = 'Air scatters short waves of light more than long ones, so blue comes from everywhere.';

/** Two servers of Ollama that answer, a vLLM that does not, a key for a cloud; no time passes. */
async function inWorld(commands: readonly string[], scene: Scene): Promise<readonly string[]> {
  const clock = testClock({ startMs: 0 });
  const gpu = await fakeBackend('ollama', [models(['llama3.1:8b', 'nomic-embed-text']), reply(answer)]).listen();
  const cpu = await fakeBackend('ollama', [models(['llama3.1:8b']), reply(answer)]).listen();
  const gone = await fakeBackend('vllm').listen();
  await gone.close();
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-guide-'));
  const usual = usualPlaces.map(({ url }) => new URL(url).port);
  const names = [
    [gpu.url, '11434'],
    [cpu.url, '11435'],
    [gone.url, scene === 'nobody' ? `${usual.slice(0, -1).join(', ')} and ${usual.at(-1)}` : '8000'],
  ] as const;
  if (scene === 'file') writeFileSync(join(folder, 'inferlane.json'), JSON.stringify(configuration(gpu.url, cpu.url, gone.url), null, 2));
  const env = scene === 'cloud' ? { OPENAI_API_KEY: 'sk-0123456789' } : undefined;
  const places =
    scene === 'nobody' ? [{ url: gone.url }] : [{ url: gpu.url }, { url: cpu.url, isCpuTwin: true } as const, { url: gone.url }];
  const outputs: string[] = [];
  try {
    for (const line of commands) {
      const text = await printed(line, { folder, clock, places, env });
      outputs.push(`${line}\n${names.reduce((all, [real, name]) => all.replaceAll(new URL(real).port, name), text)}`);
    }
  } finally {
    await Promise.all([gpu.close(), cpu.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
  return outputs;
}

async function printed(
  line: string,
  world: Pick<CliIo, 'folder' | 'clock' | 'places'> & { readonly env: CliIo['env'] | undefined },
): Promise<string> {
  const { argv, env } = wordsOf(line);
  if (argv[0] === 'bench') return benchCapture();
  let text = '';
  const stop = new AbortController();
  const write = async (piece: string): Promise<void> => {
    text += piece;
    // What goes on by itself is stopped when it has said everything.
    if (/^curl /m.test(text)) stop.abort(new Stop('SIGINT', 130));
  };
  const out: Outgoing = { isTerminal: false, columns: undefined, write };
  const stdin = { isTerminal: false, pieces: (async function* (): AsyncGenerator<Uint8Array> {})() };
  const given = { ...world, stdin, stdout: out, stderr: out, signal: stop.signal, env: { ...world.env, ...env } };
  const code = await runCli(argv[0] === 'serve' ? [...argv, '--port', '0'] : argv, given);
  const shown = text
    .replaceAll(/\bin 0 ms/g, 'in 3 ms')
    .replaceAll(/^Listening on \S+:(\d+)[^]*/gm, (all, port: string) => all.replaceAll(port, String(usualPort)));
  return `${shown}${code === 0 ? '' : `[exit code ${code}]\n`}`;
}

/** `VARIABLE=value inferlane command "a text"` */
function wordsOf(line: string): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const words = (line.slice(2).match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
  const at = words.indexOf('inferlane');
  const env = Object.fromEntries(words.slice(0, at).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
  return { argv: words.slice(at + 1), env };
}

function configuration(gpu: string, cpu: string, gone: string): object {
  const own = { type: 'ollama', defaultModel: 'llama3.1:8b' };
  return {
    providers: {
      gpu: { ...own, url: gpu, embeddingModel: 'nomic-embed-text' },
      cpu: { ...own, url: cpu, device: 'cpu' },
      lab: { type: 'vllm', url: gone, device: 'remote' },
    },
    models: { small: { gpu: 'llama3.1:8b', cpu: 'llama3.1:8b' } },
  };
}

/** Times of a server that is somewhere else: those of a fake one say nothing. */
function benchCapture(): string {
  const samples = Array.from({ length: 20 }, (_, index): Sample => {
    const firstMs = 180 + 11 * ((index * 7) % 20);
    return { firstMs, totalMs: firstMs + 1_100 + 20 * (index % 5), tokens: 64, isCounted: true, provider: 'gpu', model: 'llama3.1:8b' };
  });
  const first: Sample = { totalMs: 4_812, tokens: 64 };
  return benchText(figuresOf({ first, samples, wallMs: 28_700, concurrency: 1 }), (_style, text) => text);
}
