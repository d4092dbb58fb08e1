import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { bert, chain } from '../tiny-model/models.ts';
import { batchesOf, chatCall, cpuOf, embedCall, modelFolder, never, watchedLibrary } from './cpu-kit.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

const text = 'Hello from a tiny model.';
const folder = modelFolder();
const modelPath = folder.write('chain.gguf', chain());
const embeddingModelPath = folder.write('bert.gguf', bert());

afterAll(() => folder.remove());

describe('closing', () => {
  test('stops what runs and what waits, then refuses every call; twice is once', async () => {
    const adapter = cpuOf({
      modelPath: folder.write('loop.gguf', chain({ loop: true, ctx: 8192 })),
      embeddingModelPath,
      contextSize: 8192,
    });
    const running = batchesOf(await adapter.stream(chatCall()));
    const waiting = adapter.chat(chatCall());
    const closed = { code: 'closed', provider: 'local' };
    const both = Promise.all([expect(running).rejects.toMatchObject(closed), expect(waiting).rejects.toMatchObject(closed)]);
    await Promise.all([adapter.close?.(), adapter.close?.()]);
    await both;
    await expect(adapter.chat(chatCall())).rejects.toMatchObject(closed);
    await expect(adapter.embed?.(embedCall('a'))).rejects.toMatchObject(closed);
    await expect(adapter.models?.(never)).rejects.toMatchObject(closed);
    await expect(adapter.health?.(never)).rejects.toMatchObject(closed);
  });

  test('during the load refuses the call that started it', async () => {
    const adapter = cpuOf({ modelPath });
    const loading = expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'closed' });
    await adapter.close?.();
    await loading;
  });

  test('without ever having loaded imports nothing', async () => {
    const library = watchedLibrary();
    await cpuOf({ modelPath }, library.load).close?.();
    expect(library.counts.imports).toBe(0);
  });

  test('after a failed load ends too, when the garbage collector was there first', async () => {
    const adapter = cpuOf({ modelPath: folder.write('cut-again.gguf', readFileSync(modelPath).subarray(0, 100_000)) });
    await expect(adapter.chat(chatCall())).rejects.toMatchObject({ code: 'unavailable' });
    for (let i = 0; i < 5; i++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await adapter.close?.();
  });

  test('lets the process end by itself', async () => {
    const script = `
      const { cpu } = await import(${JSON.stringify(new URL('../../src/adapters/cpu.ts', import.meta.url).href)});
      const adapter = cpu({ provider: 'local', modelPath: process.argv[2], threads: 1, contextSize: 512 });
      const { signal } = new AbortController();
      const call = { request: { messages: [{ role: 'user', content: 'Hi' }] }, model: undefined, signal, requestId: 'r' };
      console.log((await adapter.chat(call)).choices[0].message.content);
      await adapter.close();`;
    const child = spawn(process.execPath, [folder.write('child.mjs', Buffer.from(script)), modelPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (data: Buffer) => output.push(data.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    expect({ status, output: output.join('') }).toEqual({ status: 0, output: `${text}\n` });
  });
});
