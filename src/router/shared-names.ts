import type { SharedFact } from '../state/facts.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { Secret } from '../lib/secret.ts';
import type { Place } from './shared-places.ts';

/** Under which names facts stand in a store. Routers that mean the same server by an id have the same names for it, and no others do. */
export interface SharedNames {
  /** Undefined where nothing is shared of the provider. */
  of(is: SharedFact['is'], place: Pick<Place, 'id' | 'model'>): string | undefined;
  /** Works out again which server each provider is. */
  renew(config: RouterConfig): Promise<void>;
}

export function createSharedNames(): SharedNames {
  let marks: ReadonlyMap<string, string> = new Map();
  // Asked for after each attempt.
  const made = new Map<string, Map<string | undefined, NamesOfPlace>>();
  return {
    of(is, { id, model }) {
      const mark = marks.get(id);
      if (mark === undefined) return undefined;
      let ofProvider = made.get(id);
      if (ofProvider === undefined) made.set(id, (ofProvider = new Map()));
      let names = ofProvider.get(model);
      if (names === undefined) {
        if (ofProvider.size > mostModels) ofProvider.clear();
        ofProvider.set(model, (names = namesOf(id, mark, model)));
      }
      return names[is];
    },
    async renew({ providers }) {
      const all = await Promise.all(providers.filter(isShared).map(async (each) => [each.id, await markOf(each)] as const));
      marks = new Map(all);
      made.clear();
    },
  };
}

type NamesOfPlace = Readonly<Record<SharedFact['is'], string>>;

const mostModels = 1_000;

function namesOf(id: string, mark: string, model: string | undefined): NamesOfPlace {
  const name = (kind: string): string => JSON.stringify(model === undefined ? [kind, id, mark] : [kind, id, mark, model]);
  // A breaker is open or closed, under one name.
  const breaker = name('breaker');
  return { open: breaker, closed: breaker, rest: name('rest'), pin: name('pin'), missing: name('missing') };
}

/** Each process has its own of what runs inside of it. */
function isShared({ locality }: ProviderConfig): boolean {
  return locality !== 'process';
}

/** One way only: it tells servers and credentials apart, and nothing else of them. */
async function markOf({ type, url = '', apiKey }: ProviderConfig): Promise<string> {
  const text = `${type}\n${url}`;
  return apiKey instanceof Secret ? apiKey.mark(text) : new Secret(apiKey === undefined ? '' : 'function').mark(text);
}
