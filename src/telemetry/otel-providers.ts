import { providerTypes, type Router } from '../index.ts';

/** What telemetry says of a provider beside its id. */
export interface ProviderFacts {
  /** For `gen_ai.provider.name`. */
  readonly name: string;
  /** Nothing goes over a network. */
  readonly isInProcess: boolean;
}

const unknown: ProviderFacts = Object.freeze({ name: 'custom', isInProcess: false });

/**
 * Facts by the ids of the configuration. The names are those of the types: the conventions ask for their well-known value where there is
 * one (`openai` and `anthropic` are both), and leave others to whoever instruments.
 */
export function createProviderFacts(router: Router): (id: string) => ProviderFacts {
  let known: Map<string, ProviderFacts> | undefined;
  router.on('config:update', () => (known = undefined));
  return (id) => {
    known ??= new Map(router.snapshot().providers.map(({ provider, type }) => [provider, factsOf(type)]));
    return known.get(id) ?? unknown;
  };
}

function factsOf(type: string): ProviderFacts {
  return { name: type, isInProcess: Object.entries(providerTypes).some(([name, { runs }]) => name === type && runs === 'process') };
}
