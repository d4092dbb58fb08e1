import { type LoadReport, RouterError } from '../../../src/index.ts';
import type { MemoryPlan, Telling } from './routed.ts';
import type { FakeBackend, World } from './upstream.ts';

/** The models that a backend has in its memory. */
export interface Memory {
  /** A call asks for a model now: how long until it is there. It is loaded to its end, whoever leaves meanwhile. */
  ask(model: string): number;
  /** Those that are there now. */
  names(): readonly string[];
}

export function createMemory({ loadMs, keptMs, isSingle }: MemoryPlan, nowMs: () => number): Memory {
  const loaded = new Map<string, { readonly readyAtMs: number; usedAtMs: number }>();
  const forget = (): void => {
    for (const [name, { usedAtMs }] of loaded) if (nowMs() - usedAtMs > keptMs) loaded.delete(name);
  };
  return {
    ask(model) {
      forget();
      const known = loaded.get(model);
      const made = known ?? { readyAtMs: nowMs() + loadMs, usedAtMs: 0 };
      if (known === undefined && isSingle) loaded.clear();
      made.usedAtMs = Math.max(nowMs(), made.readyAtMs);
      loaded.set(model, made);
      return Math.max(0, made.readyAtMs - nowMs());
    },
    names() {
      forget();
      return [...loaded].filter(([, { readyAtMs }]) => readyAtMs <= nowMs()).map(([name]) => name);
    },
  };
}

const turns: readonly Exclude<Telling, 'mixed'>[] = ['truth', 'truth', 'truth', 'wrong', 'fails', 'hangs', 'late', 'truth'];
/** Longer than anybody waits for such an answer. */
const lateMs = 6_000;
const sizeBytes = 8_000_000_000;

/** What a backend says of its load, each in its own way. Whatever it tells in time is noted. */
export function teller(world: World, backend: FakeBackend, how: Telling): (signal: AbortSignal) => Promise<LoadReport> {
  let asked = 0;
  return async (signal) => {
    const way = how === 'mixed' ? (turns[asked % turns.length] as (typeof turns)[number]) : how;
    asked += 1;
    world.polls.open += 1;
    try {
      await inTime(world, signal, way === 'hangs' ? Infinity : way === 'late' ? lateMs : 5 + ((asked * 7) % 40));
    } finally {
      world.polls.open -= 1;
    }
    if (way === 'fails') throw new RouterError('unavailable', 'It is not well.', { status: 503 });
    if (way === 'refuses') throw new RouterError('unsupported', 'It has no such path.', { status: 404 });
    const report = way === 'wrong' ? nonsense(backend, asked) : truth(world, backend);
    world.polls.told += 1;
    world.onTold(backend.id, report);
    return report;
  };
}

function inTime({ clock }: World, signal: AbortSignal, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = delayMs === Infinity ? () => undefined : clock.at(delayMs, resolve);
    signal.addEventListener('abort', () => (cancel(), reject(signal.reason as Error)), { once: true });
  });
}

function truth({ calls }: World, { id, machine, memory }: FakeBackend): LoadReport {
  const running = calls.filter(({ backend, closedAtMs }) => backend.id === id && closedAtMs === undefined).length;
  const { toldSlots, vramShare } = machine;
  const names = memory?.names() ?? ['m', 'e'];
  const resident = names.map((name) => ({ id: name, sizeBytes, vramBytes: Math.round(sizeBytes * vramShare) }));
  const isSilent = memory === undefined && vramShare === 1;
  return { running, waiting: 0, ...(toldSlots !== undefined && { slots: toldSlots }), ...(!isSilent && { resident }) };
}

/** Figures that no server has. */
function nonsense({ machine }: FakeBackend, asked: number): LoadReport {
  const { toldSlots } = machine;
  return {
    running: asked % 2 === 0 ? 5_000 : 0,
    waiting: asked % 3 === 0 ? 90_000 : 0,
    ...(toldSlots !== undefined && { slots: [0, toldSlots, toldSlots + 2][asked % 3] as number }),
    ...(asked % 2 === 0 && { resident: [{ id: 'nobody asked for it', sizeBytes: 0, vramBytes: sizeBytes }] }),
  };
}
