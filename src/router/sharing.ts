import type { Announce } from '../core/events.ts';
import type { RouterConfig } from '../config/config.ts';
import { setNewest } from '../lib/newest.ts';
import { decodeFact, type SharedFact } from '../state/facts.ts';
import { createLink, type LinkOptions, type StoreLink } from '../state/link.ts';
import { type Conclusion, mostConclusions, type StateStore } from '../state/store.ts';
import type { Engine } from './engine.ts';
import { adoptBreaker, holdOff, noteBreaker, shareAgain } from './shared-breakers.ts';
import { createTold, type SharedDesk } from './shared-desk.ts';
import { createSharedNames, type SharedNames } from './shared-names.ts';
import { bothOf, type Place, placesOf } from './shared-places.ts';
import { createSharedProbes } from './shared-probes.ts';
import { adoptTimed, kindsOf, noteTimed } from './shared-times.ts';

/** What the routers at one store tell each other of their providers. No call waits for it that somebody can answer. */
export interface Sharing {
  readonly link: StoreLink;
  /** Something has happened to a provider, and to a model there. */
  note(id: string, model: string | undefined): void;
  /** The same, of all that is known of the provider. */
  noteAll(id: string): void;
  /** A call goes through as a probe: of the connection, where `whole`, or of the model. */
  noteProbe(id: string, model: string | undefined, whole: boolean, leaseMs: number): void;
  noteCall(atMs: number): void;
  /** Has the leave of a probe ended before its result was there? */
  isLate(id: string, model: string | undefined, whole: boolean): boolean;
  /** Asks for leave to probe where that is all that keeps a call away; undefined where it is not. */
  askFor(candidates: readonly { readonly provider: string; readonly model: string | undefined }[]): Promise<unknown> | undefined;
  /** Another configuration holds. */
  renew(): void;
  /** Results of probes that came after their time, and were not counted. */
  readonly lateResults: number;
  close(): Promise<void>;
}

export interface SharingOptions extends Pick<RouterConfig, 'clock' | 'random'> {
  readonly store: StateStore;
  readonly engine: () => Engine;
  readonly announce: Announce;
}

interface Heard extends Conclusion {
  readonly atMs: number;
}

/** What the parts below work with. */
interface Inner extends SharingOptions {
  readonly desk: SharedDesk;
  readonly names: SharedNames;
  readonly heard: Map<string, Heard>;
}

export function createSharing(options: SharingOptions): Sharing {
  const { engine } = options;
  const desk = createDesk(options, {
    onConclusion: (conclusion) => hear(inner, conclusion),
    onRefused: (name) => refuse(inner, name),
    // What others know comes before what this one does not.
    onUp: () => queueMicrotask(() => shareAll(inner)),
  });
  const { link, probes } = desk;
  const inner: Inner = { ...options, desk, names: createSharedNames(), heard: new Map() };
  let lateResults = 0;
  return {
    link,
    note: (id, model) => bothOf(engine(), id, model).forEach((place) => note(inner, place)),
    noteAll: (id) => placesOf(engine(), id).forEach((place) => note(inner, place)),
    noteProbe(id, model, whole, leaseMs) {
      const name = probeName(inner, id, model, whole);
      if (name !== undefined) probes.begun(name, leaseMs);
    },
    noteCall: (atMs) => probes.noteCall(atMs),
    isLate(id, model, whole) {
      const name = probeName(inner, id, model, whole);
      const isLate = name !== undefined && probes.isLate(name);
      if (isLate) lateResults += 1;
      return isLate;
    },
    askFor(candidates) {
      const places = candidates.flatMap(({ provider, model }) => bothOf(engine(), provider, model));
      return probes.askFor(places.flatMap((place) => inner.names.of('open', place) ?? []));
    },
    renew: () => void renew(inner),
    get lateResults() {
      return lateResults;
    },
    async close() {
      probes.freeAll();
      await link.close();
    },
  };
}

function hear(inner: Inner, conclusion: Conclusion): void {
  const { heard, clock } = inner;
  setNewest(heard, conclusion.name, { ...conclusion, atMs: clock.nowMs() }, mostConclusions);
  adopt(inner, conclusion, conclusion.ageMs);
}

function adopt({ engine, desk, names }: Inner, { name, value }: Conclusion, ageMs: number): void {
  const fact = decodeFact(value);
  const state = fact && engine().providers.get(fact.provider)?.state;
  if (state === undefined || fact === undefined) return;
  const place: Place = { id: fact.provider, state, model: fact.model };
  // Another server, which somebody calls by the same id.
  if (names.of(fact.is, place) !== name) return;
  const leftMs = fact.forMs - Math.max(0, ageMs);
  if (isOfBreaker(fact)) adoptBreaker(desk, name, place, fact, leftMs);
  else adoptTimed(desk, name, place, fact, leftMs);
}

/** What this router has found out came too late: another one is probing. */
function refuse({ engine, desk }: Inner, name: string): void {
  const [, id, , model] = JSON.parse(name) as [string, string, string, string?];
  const state = engine().providers.get(id)?.state;
  if (state !== undefined) holdOff(desk, name, { id, state, model });
}

function note({ desk, names }: Inner, place: Place): void {
  const breaker = names.of('open', place);
  if (breaker === undefined) return;
  noteBreaker(desk, breaker, place);
  noteTimes(desk, names, place);
}

function shareAll({ engine, desk, names }: Inner): void {
  for (const place of engine().list.flatMap(({ id }) => placesOf(engine(), id))) {
    const breaker = names.of('open', place);
    if (breaker === undefined) continue;
    shareAgain(desk, breaker, place);
    noteTimes(desk, names, place);
  }
}

function noteTimes(desk: SharedDesk, names: SharedNames, place: Place): void {
  for (const kind of kindsOf(place)) {
    const name = names.of(kind.is, place);
    if (name !== undefined) noteTimed(desk, name, place, kind);
  }
}

function probeName({ engine, names }: Inner, id: string, model: string | undefined, whole: boolean): string | undefined {
  const place = bothOf(engine(), id, model)[whole ? 0 : 1];
  return place && names.of('open', place);
}

async function renew(inner: Inner): Promise<void> {
  const { names, engine, clock, heard, desk } = inner;
  await names.renew(engine().config);
  const nowMs = clock.nowMs();
  for (const each of heard.values()) if (!desk.link.isWaiting(each.name)) adopt(inner, each, each.ageMs + nowMs - each.atMs);
  if (desk.link.isUp) shareAll(inner);
}

type Listeners = Pick<LinkOptions, 'onConclusion' | 'onRefused'> & { readonly onUp: () => void };

function createDesk({ store, engine, announce, clock, random }: SharingOptions, { onConclusion, onRefused, onUp }: Listeners): SharedDesk {
  const member = globalThis.crypto.randomUUID();
  const told = createTold();
  const link = createLink({
    store,
    member,
    clock,
    random,
    onConclusion,
    onRefused,
    onUp(awayMs) {
      if (awayMs !== undefined) announce('state:restored', { ms: awayMs });
      onUp();
    },
    onDown(reason) {
      probes.freeAll();
      announce('state:degraded', { reason });
    },
    onOdd: (message) => announce('config:warning', { path: 'store', message }),
  });
  const probes = createSharedProbes({ link, clock });
  return { link, probes, announce, told, config: () => engine().config };
}

function isOfBreaker({ is }: SharedFact): boolean {
  return is === 'open' || is === 'closed';
}
