import type { MachineSpec } from './machine.ts';
import { meanOf, type RequestKind } from './workload.ts';

type Speed = Omit<MachineSpec, 'id' | 'loaded'>;

const usual = { memoryModels: Infinity, cacheTokens: 0, loadMs: 0 } as const;

/** A model of 8 billion parameters on a card of today: 4,000 tokens a second read, 80 written, four at once. */
export const fastGpu: Speed = {
  ...usual,
  device: 'gpu',
  slots: 4,
  prefillMsPerToken: 0.25,
  decodeMsPerToken: 12,
  baseMs: 15,
  loadMs: 6_000,
};

/** On a card of some years ago: 1,000 tokens a second read, 30 written, two at once. */
export const slowGpu: Speed = { ...usual, device: 'gpu', slots: 2, prefillMsPerToken: 1, decodeMsPerToken: 33, baseMs: 15, loadMs: 12_000 };

/** The fast card at the other end of a line of 80 ms. */
export const remoteGpu: Speed = { ...fastGpu, device: 'remote', baseMs: 95 };

/** On processors alone: 100 tokens a second read, 8 written, one at a time. */
export const cpuBox: Speed = {
  ...usual,
  device: 'cpu',
  slots: 1,
  prefillMsPerToken: 10,
  decodeMsPerToken: 120,
  baseMs: 10,
  loadMs: 15_000,
};

export function machine(id: string, speed: Speed, changes: Partial<MachineSpec> = {}): MachineSpec {
  return { id, loaded: ['small'], ...speed, ...changes };
}

/** Three fast cards, two slow ones, one far away, two processors. */
export function rackOfEight(changes: (index: number) => Partial<MachineSpec> = () => ({}), prefix = ''): MachineSpec[] {
  const speeds = [fastGpu, fastGpu, fastGpu, slowGpu, slowGpu, remoteGpu, cpuBox, cpuBox];
  const names = ['fast', 'fast', 'fast', 'slow', 'slow', 'remote', 'cpu', 'cpu'];
  return speeds.map((speed, index) => machine(`${prefix}${names[index]}${index}`, speed, changes(index)));
}

/** Eight machines that differ less: the slow ones take twice as long as the fast ones, the slowest four times. */
export function milderRack(): MachineSpec[] {
  const slow: Speed = { ...fastGpu, prefillMsPerToken: 0.5, decodeMsPerToken: 24 };
  const slowest: Speed = { ...fastGpu, device: 'cpu', prefillMsPerToken: 1, decodeMsPerToken: 48 };
  const speeds = [fastGpu, fastGpu, fastGpu, slow, slow, remoteGpu, slowest, slowest];
  return speeds.map((speed, index) => machine(`machine${index}`, speed));
}

/** Requests a second that the machines could serve if none of their slots were ever idle. */
export function capacityPerSecond(machines: readonly MachineSpec[], kinds: readonly RequestKind[]): number {
  const shares = kinds.reduce((sum, { share }) => sum + share, 0);
  return machines.reduce((sum, { slots, baseMs, prefillMsPerToken, decodeMsPerToken }) => {
    const ms = kinds.reduce((total, { share, prompt, answer }) => {
      const each = baseMs + meanOf(prompt) * prefillMsPerToken + meanOf(answer) * decodeMsPerToken;
      return total + (share / shares) * each;
    }, 0);
    return sum + (slots * 1_000) / ms;
  }, 0);
}

/** A question of some 300 tokens, an answer of some 120. */
export const chats: RequestKind = {
  intent: 'fast',
  share: 1,
  prompt: { median: 300, spread: 0.8, most: 4_000 },
  answer: { median: 120, spread: 0.7, most: 1_000 },
};

/** What a user would write as `weight`: how much each machine can do, as a whole number. */
export function weightOf(spec: MachineSpec): { readonly weight: number } {
  return { weight: Math.max(1, Math.round(capacityPerSecond([spec], [chats]) * 20)) };
}
