import { type Change, longestValue, type SumAsk, type TakeAsk } from './store.ts';

// What every store holds its askers and its data to, so that one means the same as the other.

/** Whatever is to be kept for longer is kept for a day. */
export const longestKeepMs = 86_400_000;

/** A lease for longer is one for an hour; whoever needs more asks again. */
export const longestLeaseMs = 3_600_000;

/** A member that has not synced for this long is not counted any more. */
export const memberMs = 10_000;

/** Characters of name and value together, written as JSON. */
export const longestText = 65_536;

/** What `onOdd` listeners are told. */
export const oddities: Readonly<Record<'notWritten' | 'tooLong' | 'notOurs' | 'deaf', string>> = {
  notWritten: `A conclusion was not written to the shared store: its value has more than ${longestValue} characters, or its name is too long.`,
  tooLong: `A value in the shared store is too long and is not read: more than ${longestValue} characters.`,
  notOurs: 'A value in the shared store is not what a store writes, and is not read.',
  deaf: 'The shared store refuses subscriptions: what other members write is seen at the next sync only.',
};

/** The number, and 0 for what is none, moved to where it may be. */
export function between(value: number, least: number, most: number): number {
  return Math.min(Math.max(Number.isNaN(value) ? 0 : value, least), most);
}

/** A conclusion as text; undefined where it is too long to be written. */
export function textOf({ name, value }: Change): string | undefined {
  if (value.length > longestValue) return undefined;
  const text = JSON.stringify([name, value]);
  return text.length > longestText ? undefined : text;
}

/** Beyond this a count loses its small change. */
const largest = 1e15;

export function checkedTake(ask: TakeAsk): TakeAsk {
  const from0 = (value: number): number => between(value, 0, largest);
  const { name, perMinute, most, wanted, least } = ask;
  return { name, perMinute: from0(perMinute), most: from0(most), wanted: between(wanted, -largest, largest), least: from0(least) };
}

export function checkedSum({ name, windowMs, amount }: SumAsk): SumAsk {
  return { name, windowMs: Math.round(between(windowMs, 1, largest)), amount: between(amount, -largest, largest) };
}
