import type { Verb } from '../../../src/index.ts';
import type { Dice } from './dice.ts';
import { faultKind, type FaultName, fitting } from './fault-kinds.ts';

/** What a backend does with a call of a verb at a moment of the simulation, which began at 0. */
export type Program = (atMs: number, verb: Verb) => FaultName;

interface ProgramOptions {
  readonly on: 'wire' | 'custom';
  readonly spanMs: number;
  readonly isHealthy: boolean;
}

/** The life of one backend: well, or with faults now and then, by turns, for a while, or for good. */
export function makeProgram(dice: Dice, { on, spanMs, isHealthy }: ProgramOptions): Program {
  if (isHealthy) return () => 'healthy';
  const lists = { chat: choose(dice, on, 'chat'), stream: choose(dice, on, 'stream'), embed: choose(dice, on, 'embed') };
  const fault = (verb: Verb): FaultName => dice.weighted(lists[verb]);
  switch (dice.weighted({ mixed: 5, flapping: 2, outage: 3, dead: 1, chaos: 2 })) {
    case 'mixed': {
      const share = dice.spread(3, 60) / 100;
      return (_, verb) => (dice.chance(share) ? fault(verb) : 'healthy');
    }
    case 'flapping': {
      const periodMs = dice.spread(500, 60_000);
      return (atMs, verb) => (Math.floor(atMs / periodMs) % 2 === 0 ? 'healthy' : fault(verb));
    }
    case 'outage': {
      const fromMs = dice.share() * spanMs;
      const untilMs = fromMs + dice.share() * spanMs;
      return (atMs, verb) => (atMs >= fromMs && atMs < untilMs ? fault(verb) : 'healthy');
    }
    case 'dead':
      return (_, verb) => fault(verb);
    case 'chaos': {
      const all = { chat: weigh(fitting(on, 'chat')), stream: weigh(fitting(on, 'stream')), embed: weigh(fitting(on, 'embed')) };
      return (_, verb) => (dice.chance(0.3) ? 'healthy' : dice.weighted(all[verb]));
    }
  }
}

function choose(dice: Dice, on: 'wire' | 'custom', verb: Verb): Partial<Record<FaultName, number>> {
  const all = weigh(fitting(on, verb));
  return weigh(Array.from({ length: dice.whole(1, 4) }, () => dice.weighted(all)));
}

function weigh(names: readonly FaultName[]): Partial<Record<FaultName, number>> {
  return Object.fromEntries(names.map((name) => [name, faultKind(name).weight]));
}
