import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fakeBackend, models, outOfMemory, reply } from '../../src/testing/index.ts';
import { examples } from './example-process.ts';

const run = promisify(execFile);

test("OpenAI's own client prints what the second server says, where the first has no memory left", { timeout: 60_000 }, async () => {
  await using gpu = await fakeBackend('ollama', [models(['llama3.1:8b']), outOfMemory('cuda')]).listen();
  await using cpu = await fakeBackend('ollama', [models(['llama3.1:8b']), reply('Short waves scatter more.')]).listen();
  const env = { PATH: process.env['PATH'] ?? '', OLLAMA_GPU_URL: gpu.url, OLLAMA_CPU_URL: cpu.url };
  const hook = join(import.meta.dirname, 'resolve-source.ts');
  const { stdout } = await run(process.execPath, ['--import', hook, join(examples, 'openai-sdk/one-line.ts')], { env });
  expect(stdout).toBe('Short waves scatter more.\n');
  expect(gpu.calls.length).toBeGreaterThan(0);
});
