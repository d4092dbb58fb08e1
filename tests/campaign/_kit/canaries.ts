import { inspect } from 'node:util';
import { eventNames, type Router } from '../../../src/index.ts';

/** What must never leave the router but in the request or the answer it belongs to. Each kind has a text of its own. */
export const canaryKinds = [
  'apiKey',
  'otherKey',
  'headerValue',
  'urlUser',
  'urlPassword',
  'prompt',
  'systemPrompt',
  'toolArguments',
  'toolResult',
  'imageData',
  'schemaText',
  'extraField',
  'userField',
  'embeddingInput',
  'completion',
  'reasoning',
  'upstreamEcho',
] as const;
export type CanaryKind = (typeof canaryKinds)[number];

export interface Hit {
  readonly kind: CanaryKind;
  /** Where it was found: the name of an event, `error`, `route`, `snapshot`, `console`, … */
  readonly sink: string;
}

export interface Canaries {
  readonly of: Readonly<Record<CanaryKind, string>>;
  readonly hits: readonly Hit[];
  /** How many values were looked at. */
  readonly looked: () => number;
  /** Looks at a value as loggers would show it. `except`: kinds that belong there, as the completion does in an answer. */
  look(sink: string, value: unknown, except?: readonly CanaryKind[]): void;
  /** Looks at everything that a router announces from now on. */
  watch(router: Router): void;
  /** Looks at all that is written to stdout, stderr and the console, until the result is called or disposed of. */
  watchOutput(): (() => void) & Disposable;
}

/** `seed` makes the texts of two runs differ. */
export function createCanaries(seed: number): Canaries {
  const of = Object.fromEntries(canaryKinds.map((kind) => [kind, `canary-${kind}-${(seed >>> 0).toString(36)}-x7q9`])) as Canaries['of'];
  const hits: Hit[] = [];
  let count = 0;
  const search = (sink: string, text: string, except: readonly CanaryKind[] = []): void => {
    if (!text.includes('canary-')) return;
    for (const kind of canaryKinds) if (!except.includes(kind) && text.includes(of[kind])) hits.push({ kind, sink });
  };
  const look: Canaries['look'] = (sink, value, except) => {
    count += 1;
    search(sink, shown(value), except);
  };
  return {
    of,
    hits,
    looked: () => count,
    look,
    watch(router) {
      for (const name of eventNames) router.on(name, (payload) => look(name, payload));
    },
    watchOutput() {
      const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));
      for (const { stream, write } of streams) {
        stream.write = ((text: string | Uint8Array, ...rest: []) => {
          look('output', typeof text === 'string' ? text : Buffer.from(text).toString());
          return write(text, ...rest);
        }) as typeof stream.write;
      }
      const stop = (): void => {
        for (const { stream, write } of streams) stream.write = write as typeof stream.write;
      };
      return Object.assign(stop, { [Symbol.dispose]: stop });
    },
  };
}

/** As `console.log`, a JSON logger and a handler of errors would show it, stacks and hidden fields included. */
function shown(value: unknown): string {
  const asJson = ((): string => {
    try {
      return JSON.stringify(value) ?? '';
    } catch {
      return '';
    }
  })();
  return `${inspect(value, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: 200 })}\n${asJson}`;
}
