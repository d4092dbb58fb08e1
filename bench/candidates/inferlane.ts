import type * as Inferlane from '../../src/index.ts';
import manifest from '../../package.json' with { type: 'json' };
import { messages } from './by-hand.ts';
import { type Candidate, type Lab, load, type Prepare, versionsOf } from './candidate.ts';

// The built package, since that is what users run; the compiler need not find it.
const built = '../../dist/index.js';
const builtNodeHttp = '../../dist/node-http.js';
const builtUndici = '../../dist/undici.js';

export const nodeHttpFile: URL = new URL(builtNodeHttp, import.meta.url);

type Providers = Inferlane.RouterOptions['providers'];

export const oneAt = (url: string): Providers => ({ box: { type: 'vllm', url } });
export const threeAt = (url: string): Providers => ({
  box: { type: 'vllm', url },
  spare: { type: 'llamacpp', url },
  other: { type: 'openai-compatible', url },
});

async function ofetchLab(): Promise<Lab> {
  const { createRouter, ofetchTransport } = await load<typeof Inferlane>(built);
  return { createRouter, transport: ofetchTransport() };
}

async function nodeHttpLab(): Promise<Lab> {
  const { createRouter } = await load<typeof Inferlane>(built);
  const { nodeHttpTransport } = await load<{ nodeHttpTransport(): Inferlane.Transport }>(builtNodeHttp);
  return { createRouter, transport: nodeHttpTransport() };
}

async function undiciLab(): Promise<Lab> {
  const { createRouter } = await load<typeof Inferlane>(built);
  const { undiciTransport } = await load<{ undiciTransport(): Inferlane.Transport }>(builtUndici);
  return { createRouter, transport: undiciTransport() };
}

/** Nothing in the background that could ask the dead server before the call does. */
export const quiet = { health: false, checkModels: false, pollMs: false } as const;

function candidate(
  lab: Lab,
  packages: readonly string[],
  given: string,
  providersAt: (url: string) => Providers,
  hasListener: boolean,
): Candidate {
  const { createRouter, transport } = lab;
  return {
    packages,
    given,
    ...(!hasListener && { lab }),
    open(url) {
      const router = createRouter({ providers: providersAt(url), transport });
      if (hasListener) router.on('attempt:end', () => undefined);
      return {
        chat: async () => (await router.chat({ model: 'quick', messages })).choices[0].message.content ?? '',
        async stream(model, onText, signal) {
          for await (const { choices } of await router.stream({ model, messages }, signal && { signal })) {
            const content = choices[0]?.delta.content;
            if (content) onText(content);
          }
        },
        embed: async (input) => (await router.embed({ model: 'quick', input: [...input] })).data.map(({ embedding }) => embedding),
      };
    },
    ...(!hasListener && { failover: (first: string, second: string) => failover(lab, first, second) }),
  };
}

/** What a router learns of a dead server would take it out of the way, so each call has a router of its own, made before the time counts. */
function failover({ createRouter, transport }: Lab, first: string, second: string): Prepare {
  const providers: Providers = { first: { type: 'openai-compatible', url: first }, second: { type: 'openai-compatible', url: second } };
  let last: Inferlane.Router | undefined;
  return async () => {
    await last?.close();
    const router = createRouter({ providers, transport, ...quiet });
    last = router;
    return async () => (await router.chat({ model: 'quick', messages })).choices[0].message.content ?? '';
  };
}

const one = '`createRouter({ providers: { box: { type: "vllm", url } }, transport })`, all else by default';
const three =
  '`providers` of the types `vllm`, `llamacpp` and `openai-compatible` at the same server and a listener on `attempt:end`, all else by default';
const forFailover =
  '; for failover two providers of the type `openai-compatible`, `health: false, checkModels: false, pollMs: false`, and a new router for each call, made before the time counts, because a router that knows a server to be dead does not ask it';
const own = `inferlane ${manifest.version}`;

export const inferlaneOfetch = async (): Promise<Candidate> =>
  candidate(await ofetchLab(), [own, ...versionsOf('ofetch')], one + forFailover, oneAt, false);

export const inferlaneOfetchThree = async (): Promise<Candidate> =>
  candidate(await ofetchLab(), [own, ...versionsOf('ofetch')], three, threeAt, true);

export const inferlaneNodeHttp = async (): Promise<Candidate> =>
  candidate(await nodeHttpLab(), [own], `the same over \`nodeHttpTransport()\`: ${one}${forFailover}`, oneAt, false);

export const inferlaneNodeHttpThree = async (): Promise<Candidate> => candidate(await nodeHttpLab(), [own], three, threeAt, true);

export const inferlaneUndici = async (): Promise<Candidate> =>
  candidate(await undiciLab(), [own, ...versionsOf('undici')], `the same over \`undiciTransport()\`: ${one}${forFailover}`, oneAt, false);
