/** One provider among those that share the requests. Its weight is above 0 and counts relative to the others'. */
export interface ShareMember {
  readonly provider: string;
  readonly weight: number;
}

/**
 * Deals requests out in proportion to weights, evenly. From the start on, no member's count is ever a whole request away from its
 * exact share, and with two members that holds for every stretch of requests. For more members no algorithm can promise it of
 * every stretch; there a count stays within two requests of the share.
 */
export interface Shares {
  /** Index of the member whose turn it is, -1 where there is none; changes nothing. */
  next(members: readonly ShareMember[]): number;
  /** The member at `index` gets this request, whether or not it was its turn. */
  take(members: readonly ShareMember[], index: number): void;
}

interface Account {
  readonly id: string;
  /** What it is owed, in units of which a request costs about `oneRequest`. Negative: it has had too much. */
  credit: number;
  /** The number of the last request for which it was there. */
  lastSeen: number;
  /** Requests that it got since all began afresh. */
  turns: number;
}

/**
 * Credits are whole numbers of units, so that sums are exact and nothing drifts. Many small numbers divide this one, so that
 * decimal fractions and shares such as 1/7 are exact as well.
 */
const oneRequest = 720_720_000_000;

/** Nobody claims or owes more, whoever got the requests: after many out of turn, equal treatment is near again at once. */
const mostCredit = 2 * oneRequest;

/** How many turns everybody must have had before all may begin afresh again: beginning afresh often would starve the last in line. */
const settledTurns = 8;

/** Accounts of members that are not there which are kept, the latest ones. */
const mostAbsent = 256;

export function createShares(): Shares {
  let accounts = new Map<string, Account>();
  let inLine: Account[] = [];
  let requests = 0;

  /** Members come in the same order again and again, so that most are found by walking along instead of looking up. */
  const find = (members: readonly ShareMember[]): (Account | undefined)[] => {
    let place = 0;
    return members.map(({ provider: id }) => {
      for (let ahead = place; ahead < place + 5; ahead += 1) {
        if (inLine[ahead]?.id !== id) continue;
        place = ahead + 1;
        return inLine[ahead];
      }
      return accounts.get(id);
    });
  };

  const open = (id: string): Account => {
    const account = { id, credit: 0, lastSeen: requests, turns: 0 };
    accounts.set(id, account);
    inLine.push(account);
    return account;
  };

  return {
    next(members) {
      if (members.length < 2) return members.length - 1;
      const gains = toGains(members);
      const found = find(members);
      return earliestDeadline(gains, isFreshStart(found, gains, requests) ? [] : found);
    },

    take(members, index) {
      const gains = toGains(members);
      const found = find(members);
      if (isFreshStart(found, gains, requests)) {
        for (const account of accounts.values()) Object.assign(account, { credit: 0, turns: 0 });
      }
      requests += 1;
      const present = members.map(({ provider }, at) => found[at] ?? open(provider));
      settle(present, gains, index, requests);
      if (accounts.size <= members.length + mostAbsent) return;
      accounts = new Map(latestSeen(accounts, members.length));
      inLine = [...accounts.values()];
    },
  };
}

/** What each member gains by a request. Their sum, nearly `oneRequest`, is what the request costs the one that gets it. */
function toGains(members: readonly ShareMember[]): readonly number[] {
  let sum = 0;
  for (const { weight } of members) sum += weight;
  return members.map(({ weight }) => Math.round((weight / sum) * oneRequest));
}

/**
 * A member that is new, or was away for so many requests that each of those present would have had one, begins level with all
 * others: nobody has anything to catch up with.
 */
function isFreshStart(found: readonly (Account | undefined)[], gains: readonly number[], requests: number): boolean {
  let leastGain = oneRequest;
  let oldest = requests;
  let areSettled = true;
  for (let index = 0; index < found.length; index += 1) {
    const gain = gains[index]!;
    if (gain === 0) continue;
    const { lastSeen, turns } = found[index] ?? stranger;
    leastGain = Math.min(leastGain, gain);
    oldest = Math.min(oldest, lastSeen);
    areSettled &&= turns >= settledTurns;
  }
  return areSettled && (requests - oldest) * leastGain >= oneRequest;
}

const stranger = { lastSeen: -Infinity, turns: Infinity, credit: 0 };

/**
 * Tijdeman's rule for the chairman assignment problem: among those that are owed enough, the one whose deadline comes first. No
 * count is then ever further than 1 - 1/(2n - 2) from its share, which is the best that is possible.
 */
function earliestDeadline(gains: readonly number[], found: readonly (Account | undefined)[]): number {
  let sharing = 0;
  let sum = 0;
  for (let index = 0; index < gains.length; index += 1) {
    if (gains[index]! > 0) sharing += 1;
    sum += found[index]?.credit ?? 0;
  }
  const enough = sharing < 2 ? 0 : oneRequest / (2 * sharing - 2);
  // Members that are not there may have left a debt or a claim behind. All present bear it by their weights.
  const part = 1 - sum / oneRequest;
  let first = 0;
  let firstDeadline = Infinity;
  for (let index = 0; index < gains.length; index += 1) {
    const gain = gains[index]!;
    const owed = (found[index]?.credit ?? 0) + gain * part;
    const deadline = (oneRequest - enough - owed) / gain;
    if (gain === 0 || owed < enough || deadline >= firstDeadline) continue;
    first = index;
    firstDeadline = deadline;
  }
  return first;
}

function settle(present: readonly Account[], gains: readonly number[], index: number, requests: number): void {
  let cost = 0;
  for (const gain of gains) cost += gain;
  for (let at = 0; at < present.length; at += 1) {
    const account = present[at]!;
    const credit = account.credit + gains[at]! - (at === index ? cost : 0);
    account.credit = Math.max(-mostCredit, Math.min(mostCredit, credit));
    account.lastSeen = requests;
    if (at === index) account.turns += 1;
  }
}

/** The present and half of the absent, so that the search for them is rare. */
function latestSeen(accounts: ReadonlyMap<string, Account>, present: number): readonly (readonly [string, Account])[] {
  return [...accounts].sort(([, left], [, right]) => right.lastSeen - left.lastSeen).slice(0, present + mostAbsent / 2);
}
