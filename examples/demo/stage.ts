import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, type Model } from '../tiny-model/gguf.ts';
import { bert, chain } from '../tiny-model/models.ts';
import { type CpuBox, startCpuBox } from './cpu-box.ts';
import { startFakeCloud, startFakeOllama } from './fake-ollama.ts';

/** Everything the router is pointed at. Disposing of it ends the servers; the files go with the process. */
export interface Stage extends AsyncDisposable {
  readonly files: { readonly chat: string; readonly encoder: string };
  readonly gpuUrl: string;
  readonly cloudUrl: string;
  readonly cpuBox: CpuBox;
}

export const answer = 'Hello from a tiny model.';

export async function setStage(): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-demo-'));
  // Not by disposing: nothing is disposed of where the demo is interrupted, and `exit` comes either way.
  process.once('exit', () => rmSync(folder, { recursive: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

  const files = {
    chat: write(join(folder, 'tiny.gguf'), chain({ text: answer })),
    encoder: write(join(folder, 'tiny-bert.gguf'), bert()),
  };
  const [gpu, cloud] = [opened.use(await startFakeOllama()), opened.use(await startFakeCloud())];
  const cpuBox = opened.use(await startCpuBox(files.chat));
  const stage = opened.move();
  return { files, gpuUrl: gpu.url, cloudUrl: cloud.url, cpuBox, [Symbol.asyncDispose]: () => stage.disposeAsync() };
}

function write(path: string, model: Model): string {
  writeFileSync(path, Buffer.concat(encode(model)));
  return path;
}
