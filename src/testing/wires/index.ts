import { RouterError } from '../../index.ts';
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

/**
 * The wire of a provider type; a wire of your own is its own.
 * @throws {RouterError} `invalid_config` for a type without a server, and for what is no wire.
 */
export function wireOf(kind: BackendKind): Wire {
  if (typeof kind === 'object' && kind !== null) return checked(kind);
  if (Object.hasOwn(wires, kind)) return wires[kind];
  const name = String(kind);
  const known = `There is no type '${name}'. The types with a server are: ${Object.keys(wires).join(', ')}.`;
  const why = Object.hasOwn(withoutServer, name) ? withoutServer[name] : known;
  throw new RouterError('invalid_config', `fakeBackend() plays a server. ${why}`);
}

const inProcess = 'runs in the process of the router, where there is none to play: use it as it is.';

const withoutServer: Readonly<Record<string, string>> = {
  cpu: `The type 'cpu' ${inProcess}`,
  stub: `The type 'stub' ${inProcess}`,
  custom: "What the server of a 'custom' adapter writes is in a wire of your own: give that in place of the type.",
};

const parts = ['verbOf', 'answer', 'fail', 'errorInStream', 'garbage', 'tell', 'notFound'] as const;

function checked(wire: Wire): Wire {
  const missing: readonly string[] = parts.filter((part) => typeof wire[part] !== 'function');
  const wrong = [
    ...(typeof wire.name === 'string' && wire.name !== '' ? [] : ['a name']),
    ...missing.map((part) => `${part}()`),
    ...(['answers', 'refuses', 'waits'].includes(wire.whileLoading) ? [] : ["whileLoading: 'answers', 'refuses' or 'waits'"]),
  ];
  if (wrong.length === 0) return wire;
  throw new RouterError('invalid_config', `Fake backend: this wire lacks ${wrong.join(', ')}.`);
}
