import type { BackendKind } from '../backend.ts';
import type { Wire } from '../wire.ts';
import { anthropicWire } from './anthropic.ts';
import { ollamaWire } from './ollama.ts';
import { openaiWires } from './openai-servers.ts';
import { remoteGpuWire } from './remote-gpu.ts';
import { teiWire } from './tei.ts';

type BuiltIn = Exclude<BackendKind, Wire>;

const wires: Readonly<Record<BuiltIn, Wire>> = Object.freeze({
  ...openaiWires,
  ollama: ollamaWire,
  anthropic: anthropicWire,
  tei: teiWire,
  'remote-gpu': remoteGpuWire('notebook'),
});

/** The wire of a provider type; a wire of your own is its own. */
export function wireOf(kind: BackendKind): Wire {
  return typeof kind === 'string' ? wires[kind] : kind;
}
