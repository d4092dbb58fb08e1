import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, type Model } from '../../tests/tiny-model/gguf.ts';
import { bert, chain } from '../../tests/tiny-model/models.ts';
import { answer } from './conversation.ts';
import { type CpuBox, startCpuBox } from './cpu-box.ts';
import { startCloud, startGpu } from './played.ts';

/** Everything the router is pointed at. Disposing of it ends the servers; the files go with the process. */
export interface Stage extends AsyncDisposable {
  readonly files: { readonly chat: string; readonly encoder: string };
  readonly gpuUrl: string;
  readonly cloudUrl: string;
  readonly cpuBox: CpuBox;
}

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
  const [gpu, cloud] = [opened.use(await startGpu()), opened.use(await startCloud())];
  const cpuBox = opened.use(await startCpuBox(files.chat));
  const stage = opened.move();
  return { files, gpuUrl: gpu.url, cloudUrl: cloud.url, cpuBox, [Symbol.asyncDispose]: () => stage.disposeAsync() };
}

function write(path: string, model: Model): string {
  writeFileSync(path, Buffer.concat(encode(model)));
  return path;
}
