import { createRandom } from '../_kit/numbers.ts';

/** Everything random of one simulation, drawn from one seed. */
export interface Dice {
  /** From 0 (inclusive) to 1 (exclusive). */
  share(): number;
  chance(probability: number): boolean;
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  /** A number from `low` to `high`, small ones as likely as large ones in proportion. */
  spread(low: number, high: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** One of the keys, each as likely as its weight says. */
  weighted<Key extends string>(weights: Readonly<Partial<Record<Key, number>>>): Key;
  /** Dice of their own, so that one part drawing more does not change what another part gets. */
  fork(): Dice;
}

export function createDice(seed: number): Dice {
  const share = createRandom(seed);
  const dice: Dice = {
    share,
    chance: (probability) => share() < probability,
    whole: (low, high) => low + Math.floor(share() * (high - low + 1)),
    spread: (low, high) => Math.round(low * (high / low) ** share()),
    pick: <Item>(items: readonly Item[]) => items[Math.floor(share() * items.length)] as Item,
    weighted<Key extends string>(weights: Readonly<Partial<Record<Key, number>>>) {
      const entries = Object.entries(weights) as [Key, number][];
      let left = share() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) if ((left -= weight) < 0) return key;
      return (entries.at(-1) as [Key, number])[0];
    },
    fork: () => createDice(Math.floor(share() * 4_294_967_296)),
  };
  return dice;
}
