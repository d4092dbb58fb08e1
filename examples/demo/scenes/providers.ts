import { statSync } from 'node:fs';
import { indented, title } from '../print/lines.ts';
import { paint } from '../print/paint.ts';
import { table } from '../print/table.ts';
import type { Stage } from '../stage.ts';

export function showProviders({ cpuBox, files }: Stage): void {
  title('1  Four providers');
  const kilobytes = Math.round(statSync(files.chat).size / 1_000);
  table([
    ['gpu', 'ollama', `played: says what Ollama says when a GPU's memory is full`],
    ['cpu-box', 'ollama', `real: process ${cpuBox.pid} infers and speaks Ollama's protocol`],
    ['cpu', 'cpu', `real: infers in this process, from a GGUF of ${kilobytes} kB made just now`],
    ['cloud', 'openai-compatible', 'played: costs money, which nobody allowed'],
  ]);
  indented(paint('dim', 'Real: routing, HTTP, inference, vectors, the kill. Played: what gpu and cloud say.'));
}
