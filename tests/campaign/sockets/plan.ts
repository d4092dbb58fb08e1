import { createRandom, pick } from '../_kit/numbers.ts';
import { protocols } from './cast.ts';
import { blamesCaller, fits, heldBackBy, type Kind } from './kind.ts';
import { addresses, kindOf, kinds, well } from './kinds/index.ts';
import type { CallVerb, Protocol } from './wire-texts.ts';

/** One call of the campaign, as the seed made it: what each server will do with it. */
export interface Plan {
  /** From 0; unique over all phases. */
  readonly id: number;
  readonly verb: CallVerb;
  /** The server that is asked first; the others follow in their order. */
  readonly first: number;
  /** The name of a kind for each server. */
  readonly kinds: readonly string[];
  /** A name of its own where a fault holds back one model for a while. */
  readonly model: string;
  /** It needs a router of its own, because a fault holds back a whole provider for seconds or minutes. */
  readonly isAlone: boolean;
  /** All servers hang, and the call has a short deadline: nothing else can end it. */
  readonly isHurried: boolean;
}

/** Hanging faults cost a second each, so they are dealt so many times more rarely. */
const rarity = 6;
/** Share of the calls whose first server does as it should. */
const wellShare = { quick: 0.12, long: 0.3 } as const;
/** Share of the calls that run into their deadline. */
const hurriedShare = 0.015;

/**
 * A heap of cards that is dealt to its end and then shuffled again, so that no kind is left out for long. `hangingFirst`: in each heap,
 * because at the end of a short run nothing else would be left to do while they last.
 */
function createDeck(cards: readonly Kind[], random: () => number, hangingFirst = false): () => Kind {
  let rest: Kind[] = [];
  return () => {
    if (rest.length === 0) rest = shuffled(cards, random);
    if (hangingFirst && rest.length === cards.length)
      rest.sort((left, right) => Number(left.hangs ?? false) - Number(right.hangs ?? false));
    return rest.pop() as Kind;
  };
}

function shuffled<Card>(cards: readonly Card[], random: () => number): Card[] {
  const heap = [...cards];
  for (let at = heap.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [heap[at], heap[other]] = [heap[other] as Card, heap[at] as Card];
  }
  return heap;
}

/**
 * `copies`: how often a kind lies in its deck; a hanging one lies there once. What breaks a stream after content lies there twice at least,
 * since on a busy machine a reset may overtake the content.
 */
function cardsFor(verb: CallVerb, protocol: Protocol, copies: number, accepts: (kind: Kind) => boolean): readonly Kind[] {
  const fitting = kinds.filter((kind) => kind.place !== 'address' && kind.name !== well && fits(kind, verb, protocol) && accepts(kind));
  const countOf = ({ hangs, place }: Kind): number => (hangs ? 1 : place === 'stream after content' ? Math.max(2, copies) : copies);
  return fitting.flatMap((kind) => Array.from({ length: countOf(kind) }, () => kind));
}

/** One for each verb and protocol. Decks with one copy of each kind are those of a short run. */
function decksOf(
  copies: number,
  random: () => number,
  accepts: (kind: Kind) => boolean = () => true,
): (verb: CallVerb, protocol: Protocol) => Kind {
  const decks = new Map<string, () => Kind>();
  return (verb, protocol) => {
    const name = `${verb} ${protocol}`;
    const deck = decks.get(name) ?? createDeck(cardsFor(verb, protocol, copies, accepts), random, copies === 1);
    decks.set(name, deck);
    return deck();
  };
}

const plainKind = (name: string): Kind => kindOf.get(name) as Kind;

/**
 * All kinds at all servers. The first server gets the next card of its deck, so every kind is met; the others a random kind half
 * of the time. `isQuick`: each kind lies in its decks once.
 */
export function createMixedPlans(seed: number, isQuick: boolean): (id: number, verb: CallVerb) => Plan {
  const random = createRandom(seed);
  const primary = decksOf(isQuick ? 1 : rarity, random);
  // Two that hang one after the other would be the longest calls of a short run.
  const isShort = ({ hangs }: Kind): boolean => !isQuick || hangs !== true;
  const secondary = decksOf(rarity * 3, random, isShort);
  const calm = decksOf(rarity * 3, random, (kind) => isShort(kind) && heldBackBy(kind) !== 'provider');
  const doors = createDeck(addresses, random);
  const silent = decksOf(1, random, ({ hangs, outcomes }) => hangs === true && outcomes.length === 1 && outcomes[0] === 'timeout');
  const turns = { chat: 0, stream: 0 };
  return (id, verb) => {
    const first = turns[verb]++ % 4;
    if (random() < hurriedShare) {
      const hanging = protocols.map((protocol) => silent(verb, protocol).name);
      return { id, verb, first, kinds: hanging, model: 'campaign', isAlone: false, isHurried: true };
    }
    const door = random() < 0.03 ? doors() : undefined;
    const card = door ?? (random() < wellShare[isQuick ? 'quick' : 'long'] ? plainKind(well) : primary(verb, protocols[first] as Protocol));
    const isAlone = heldBackBy(card) === 'provider';
    const chosen = protocols.map((protocol, index) => {
      if (index === first) return card;
      return random() < 0.5 ? plainKind(well) : (isAlone ? secondary : calm)(verb, protocol);
    });
    return { id, verb, first, kinds: chosen.map(({ name }) => name), model: modelFor(id, chosen), isAlone, isHurried: false };
  };
}

/** Faults that come before content and blame nobody but the server. */
function isSilent(kind: Kind): boolean {
  const { place, outcomes } = kind;
  return place !== 'oddity' && place !== 'stream after content' && !blamesCaller(kind) && !outcomes.includes('context_length');
}

/** Three servers that fail before content in 30% of the calls, and one, `healthy`, that never does. It stands last. */
export function createHealthyPlans(
  seed: number,
  isQuick: boolean,
  withRests: boolean,
): (id: number, verb: CallVerb, healthy: number) => Plan {
  const random = createRandom(seed);
  const deal = decksOf(
    rarity * 3,
    random,
    (kind) => isSilent(kind) && !(isQuick && kind.hangs) && (withRests || heldBackBy(kind) === 'nothing'),
  );
  const oddities = kinds.filter(({ place }) => place === 'oddity');
  return (id, verb, healthy) => {
    const chosen = protocols.map((protocol, index) => {
      if (index !== healthy && random() < 0.3) return deal(verb, protocol);
      const odd = pick(oddities, random);
      return random() < 0.1 && fits(odd, verb, protocol) ? odd : plainKind(well);
    });
    return {
      id,
      verb,
      first: (healthy + 1) % 4,
      kinds: chosen.map(({ name }) => name),
      model: 'campaign',
      isAlone: false,
      isHurried: false,
    };
  };
}

function modelFor(id: number, chosen: readonly Kind[]): string {
  return chosen.some((kind) => heldBackBy(kind) === 'model') ? `model-${id}` : 'campaign';
}
