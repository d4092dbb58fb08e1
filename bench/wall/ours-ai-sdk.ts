import type * as AiSdkOfInferlane from '../../src/ai-sdk/index.ts';
import type * as Inferlane from '../../src/index.ts';
import { clientOf, type AiSdk } from './ai-sdk.ts';
import { type Candidate, load } from './candidate.ts';
import { routerFor } from './ours.ts';

interface Library {
  readonly createRouter: typeof Inferlane.createRouter;
  readonly createInferlane: typeof AiSdkOfInferlane.createInferlane;
}

/** The router as a model of the AI SDK. `packages` and `share` as for the router by itself. */
export async function oursInAiSdk(library: Library, packages: readonly string[], share?: number): Promise<Candidate> {
  const sdk = await load<AiSdk>('ai');
  return {
    name: 'inferlane, AI SDK',
    packages,
    given:
      "`createInferlane(router)('wall')` under `generateText` and `streamText` without any setting of theirs, so with their own two retries, over the router of the row above",
    open({ first, second, model: id, patienceMs }) {
      const router = routerFor(library.createRouter, { first, second, patienceMs }, share);
      const model = library.createInferlane(router)(id);
      const client = clientOf(
        (settings) => sdk.generateText({ ...settings, model }),
        (settings) => sdk.streamText({ ...settings, model }),
      );
      return { ...client, close: () => router.close() };
    },
  };
}
