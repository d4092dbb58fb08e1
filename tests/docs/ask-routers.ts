import { defaultModels, isRouterError, type ProviderTest, type RouterOptions } from '../../src/index.ts';
import type { MadeRouter, Ran } from './run-block.ts';

/** Asks every provider of every router that a block has made and not closed, and gives what went wrong. */
export async function failuresOf({ routers }: Ran): Promise<readonly string[]> {
  const tests = await Promise.all(routers.map(askAll));
  return tests.flat().flatMap(({ error }) => (error === undefined ? [] : [error.message]));
}

async function askAll({ router, options }: MadeRouter): Promise<readonly ProviderTest[]> {
  try {
    const tests = router
      .snapshot()
      .providers.map(({ provider, type }) => router.testProvider(provider, { model: modelFor(provider, type, options) }));
    return await Promise.all(tests);
  } catch (error) {
    if (isRouterError(error, 'closed')) return [];
    throw error;
  }
}

/** Undefined where the provider has a model by itself. */
function modelFor(id: string, type: string, { models = {}, providers = {} }: Partial<RouterOptions> = {}): string | undefined {
  if (providers[id]?.defaultModel !== undefined || defaultModels.some((row) => row.type === type)) return undefined;
  const [name = 'llama3.1'] = Object.keys(models).filter((each) => Object.hasOwn(models[each] ?? {}, id));
  return name;
}
