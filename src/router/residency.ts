import type { LoadReport, ResidentModel } from '../core/adapter.ts';
import type { Announce } from '../core/events.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import { expectedLoadMs } from '../routing/expected-time.ts';
import { plainName } from './model-name.ts';
import { type ModelState, nameOf } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';
import { resizeLanes } from './slots.ts';

// What is known of the models in a server's memory: told by the server, or seen by its answers.

interface LoadBooks {
  readonly id: string;
  readonly config: ProviderConfig;
  readonly state: ProviderState;
  readonly router: RouterConfig;
  readonly announce: Announce;
}

/** A model in memory, and the part of it that lies in that of the GPU, where it is not all. */
export interface Resident extends ResidentModel {
  readonly vramShare?: number;
  /** The share that was last announced; undefined: none since it was in memory as a whole. */
  readonly announcedShare?: number;
}

export function residentOf({ told }: ProviderState, name: string | undefined): Resident | undefined {
  return name === undefined ? undefined : told?.resident?.get(plainName(name));
}

/** What a server said of its memory is believed for this long, when it cannot be asked anew. */
const believedMs = 60_000;

/** Ollama's own default, which servers like it have taken over. */
const usualKeepAliveS = 300;

/** Servers that load on demand unload a model that nobody has asked for so long, unless something else is configured. */
function isKept({ servedAtMs }: Readonly<ModelState>, { keepAliveS = usualKeepAliveS }: Loader['config'], nowMs: number): boolean {
  // However long it is kept, it has to be loaded once.
  return servedAtMs > -Infinity && (keepAliveS < 0 || nowMs - servedAtMs <= keepAliveS * 1_000);
}

interface Loader {
  readonly state: ProviderState;
  readonly adapter: { readonly loadsOnDemand: boolean };
  readonly config: { readonly keepAliveS: number | undefined };
}

/** Is what the server said of its memory young enough? */
export function isBelieved({ told }: ProviderState, nowMs: number): boolean {
  return told?.resident !== undefined && nowMs - told.atMs <= believedMs;
}

function hasServedSince({ told }: ProviderState, { servedAtMs }: Readonly<ModelState>): boolean {
  return told !== undefined && servedAtMs >= told.askedMs;
}

/** How long a call would wait for the model to be loaded: 0 where it is in memory, or where the server loads nothing by itself. */
export function loadingMs(
  { state, adapter, config }: Loader,
  model: Readonly<ModelState>,
  { name, resident }: { readonly name: string | undefined; readonly resident: Resident | undefined },
  nowMs: number,
): number {
  if (isBelieved(state, nowMs)) {
    if (resident !== undefined || name === undefined || hasServedSince(state, model)) return 0;
  } else if (!adapter.loadsOnDemand || isKept(model, config, nowMs)) return 0;
  return wholeLoadMs(state, model, name);
}

function wholeLoadMs({ inventory }: ProviderState, { loadMs }: Readonly<ModelState>, name: string | undefined): number {
  return expectedLoadMs(loadMs, name === undefined ? undefined : inventory?.models.get(plainName(name))?.sizeBytes);
}

/** The load that a call may meet with, which is more than what is expected of it: the server said so, or it is only likely. */
export function loadAhead(
  loader: Loader,
  model: Readonly<ModelState>,
  known: { readonly name: string | undefined; readonly resident: Resident | undefined },
  nowMs: number,
): { readonly loadMs: number; readonly isTold: boolean } {
  const { state, adapter } = loader;
  const loadMs = loadingMs(loader, model, known, nowMs);
  if (loadMs > 0) return { loadMs, isTold: isBelieved(state, nowMs) };
  // Another model was loaded since, and may have taken its place.
  const mayBeGone = adapter.loadsOnDemand && state.loadsSinceMs >= Math.max(state.told?.askedMs ?? Infinity, model.servedAtMs);
  return { loadMs: mayBeGone ? wholeLoadMs(state, model, known.name) : 0, isTold: false };
}

/** Less than this much of a model in GPU memory is a spill; servers keep a little beside it even where it fits. */
const wholeShare = 0.95;

/** Takes in what a server tells of itself. `own`: our calls there at that moment. `askedMs`: when it was asked. */
export function noteLoad(books: LoadBooks, report: LoadReport, own: number, askedMs: number): void {
  const { state, config, router } = books;
  const before = state.told;
  // Questions overtake each other.
  if (before !== undefined && askedMs < before.askedMs) return;
  const { running, waiting, slots, contextLength, resident } = report;
  state.told = {
    atMs: router.clock.nowMs(),
    askedMs,
    elsewhere: Math.max(0, count(running) + count(waiting) - own),
    mostRunning: Math.max(before?.mostRunning ?? 0, waiting === 0 ? count(running) : 0),
    slots,
    contextLength,
    resident:
      resident && new Map(resident.map((model) => [plainName(model.id), withShare(model, before?.resident?.get(plainName(model.id)))])),
  };
  resizeLanes(state);
  for (const [name, model] of state.models.entries()) {
    // Loaded anew with another window, it may hold what was cut before.
    const length = residentOf(state, name)?.contextLength;
    if (length !== undefined && length !== before?.resident?.get(name)?.contextLength) model.cut = undefined;
  }
  if (state.told.resident === undefined || config.device === 'cpu') return;
  for (const [name, model] of state.told.resident) noteSpill(books, name, model, before?.resident?.get(name));
  for (const [name, model] of state.models.entries()) notePin(books, name, model, residentOf(state, name), askedMs);
}

/** Of an adapter of somebody's own it may be anything. */
function count(told: number | undefined): number {
  return told !== undefined && told >= 0 ? told : 0;
}

function isWhole({ sizeBytes, vramBytes, vramShare }: Resident): boolean {
  return sizeBytes !== undefined && vramBytes !== undefined && vramShare === undefined;
}

/** A share that differs by less than this from the one announced is no news. */
const newsShare = 0.05;

function withShare(model: ResidentModel, before: Resident | undefined): Resident {
  const { sizeBytes, vramBytes } = model;
  const isTold = sizeBytes !== undefined && vramBytes !== undefined && sizeBytes > 0;
  if (!isTold || vramBytes >= sizeBytes * wholeShare) return model;
  const vramShare = vramBytes / sizeBytes;
  const known = before?.announcedShare;
  return { ...model, vramShare, announcedShare: known !== undefined && Math.abs(vramShare - known) < newsShare ? known : vramShare };
}

function noteSpill({ id, announce }: LoadBooks, name: string, { announcedShare }: Resident, before: Resident | undefined): void {
  if (announcedShare === undefined || announcedShare === before?.announcedShare) return;
  announce('model:spilled', { provider: id, model: name, vramShare: announcedShare });
}

/**
 * A model that was out of memory and is back in full has room again: whoever loaded it has proved it. A call of our own has proved it only
 * when it is answered: servers list a model from the moment on at which they begin to load it.
 */
function notePin({ id, announce }: LoadBooks, name: string, model: ModelState, resident: Resident | undefined, askedMs: number): void {
  const { pin } = model;
  if (pin === undefined || askedMs < pin.sinceMs || model.inFlight > 0) return;
  if (resident === undefined) model.pin = { ...pin, wasGone: true };
  else if (pin.wasGone && isWhole(resident)) {
    model.pin = undefined;
    announce('model:unpinned', { provider: id, model: nameOf(name) });
  }
}
