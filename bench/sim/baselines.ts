import type { Chance } from './chance.ts';
import type { SimClock } from './clock.ts';
import type { FaultKind } from './machine.ts';
import type { SimRequest } from './request.ts';

/** Who chooses a machine for a request, by what it has seen so far. Machines are numbers. */
export interface Picker {
  /** One of `open`, which is never empty. */
  pick(request: SimRequest, open: readonly number[]): number;
  /** Those that may be chosen at all. */
  filter?(open: readonly number[]): readonly number[];
  sent?(machine: number, request: SimRequest): void;
  first?(machine: number, ms: number): void;
  failed?(machine: number, kind: FaultKind): void;
  done?(machine: number, request: SimRequest): void;
}

export interface PickerSetting {
  readonly count: number;
  readonly clock: SimClock;
  readonly chance: Chance;
}

/** In turn, from the machine after the last one. */
export function roundRobin({ count }: PickerSetting): Picker {
  let last = -1;
  return {
    pick(_, open) {
      const is = new Set(open);
      do last = (last + 1) % count;
      while (!is.has(last));
      return last;
    },
  };
}

export function random({ chance }: PickerSetting): Picker {
  return { pick: (_, open) => open[chance.below(open.length)] as number };
}

/** The fewest requests of our own under way, equals by chance. */
export function leastConnections({ count, chance }: PickerSetting): Picker {
  const inFlight = Array.from({ length: count }, () => 0);
  const less = (machine: number): void => void (inFlight[machine] = (inFlight[machine] as number) - 1);
  return {
    pick: (_, open) => lowest(open, (machine) => inFlight[machine] as number, chance),
    sent: (machine) => void (inFlight[machine] = (inFlight[machine] as number) + 1),
    failed: less,
    done: less,
  };
}

/** `routing_strategy_args` of LiteLLM's `latency-based-routing`. */
export interface LatencyArguments {
  /** `ttl`: how long a sample counts. */
  readonly windowMs: number;
  /** `lowest_latency_buffer`: who is slower than the fastest by no more than this share is its equal. */
  readonly buffer: number;
}

/** The rest of its published defaults. */
const liteLlm = {
  /** Samples kept of each deployment. */
  samples: 10,
  cooldownMs: 5_000,
  /** More failures than this share cool a deployment down, of at least so many calls in the minute. */
  failureShare: 0.5,
  leastCalls: 5,
  minuteMs: 60_000,
};

interface Deployment {
  samples: { readonly atMs: number; readonly ms: number }[];
  minute: number;
  calls: number;
  failures: number;
  coolUntilMs: number;
}

/**
 * LiteLLM's `latency-based-routing`: the lowest average time to first token of the last ten calls, equals by chance, a deployment without
 * samples counting as 0 ms. A timeout would count as 1,000 s; another failure leaves no sample and counts for the cooldown alone. Where all
 * are cooling down the next is picked all the same, as a retry after the cooldown would.
 */
export function liteLlmLatency({ count, clock, chance }: PickerSetting, { windowMs, buffer }: LatencyArguments): Picker {
  const all = Array.from({ length: count }, (): Deployment => ({ samples: [], minute: 0, calls: 0, failures: 0, coolUntilMs: 0 }));
  const of = (machine: number): Deployment => all[machine] as Deployment;
  const average = (machine: number): number => {
    const deployment = of(machine);
    const { samples } = deployment;
    while (samples.length > 0 && (samples[0]?.atMs as number) < clock.nowMs() - windowMs) samples.shift();
    return samples.length === 0 ? 0 : samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
  };
  const count1 = (deployment: Deployment, failures: number): void => {
    const minute = Math.floor(clock.nowMs() / liteLlm.minuteMs);
    if (deployment.minute !== minute) Object.assign(deployment, { minute, calls: 0, failures: 0 });
    deployment.calls += 1;
    deployment.failures += failures;
  };
  return {
    filter(open) {
      const warm = open.filter((machine) => of(machine).coolUntilMs <= clock.nowMs());
      return warm.length === 0 ? open : warm;
    },
    pick: (_, open) => lowest(open, average, chance, buffer),
    first(machine, ms) {
      const { samples } = of(machine);
      samples.push({ atMs: clock.nowMs(), ms });
      if (samples.length > liteLlm.samples) samples.shift();
    },
    failed(machine) {
      const deployment = of(machine);
      count1(deployment, 1);
      const { calls, failures } = deployment;
      const isBad = calls >= liteLlm.leastCalls && failures / calls > liteLlm.failureShare;
      if (isBad) deployment.coolUntilMs = clock.nowMs() + liteLlm.cooldownMs;
    },
    done: (machine) => count1(of(machine), 0),
  };
}

/** The machine that has seen the longest part of the prompt, whatever else it does; equals by the fewest connections. */
export function prefixOnly(setting: PickerSetting): Picker {
  const { sent, failed, pick, done } = leastConnections(setting);
  const seen = new Map<string, Map<number, number>>();
  return {
    pick(request, open) {
      const tokens = seen.get(request.session ?? '');
      if (tokens === undefined) return pick(request, open);
      const longest = Math.max(...open.map((machine) => tokens.get(machine) ?? 0));
      return pick(
        request,
        open.filter((machine) => (tokens.get(machine) ?? 0) === longest),
      );
    },
    sent(machine, request) {
      sent?.(machine, request);
      const { session } = request;
      if (session === undefined) return;
      const tokens = seen.get(session) ?? new Map<number, number>();
      seen.set(session, tokens.set(machine, request.promptTokens));
    },
    ...(failed && { failed }),
    ...(done && { done }),
  };
}

/** The lowest value, or one of those that are higher by no more than `buffer` (a share), by chance. */
function lowest(open: readonly number[], of: (machine: number) => number, chance: Chance, buffer = 0): number {
  if (buffer > 0) {
    const values = open.map(of);
    const most = Math.min(...values) * (1 + buffer);
    const near = open.filter((_, index) => (values[index] as number) <= most);
    return near[chance.below(near.length)] as number;
  }
  let best = Infinity;
  let equals: number[] = [];
  for (const machine of open) {
    const value = of(machine);
    if (value > best) continue;
    if (value < best) equals = [];
    best = value;
    equals.push(machine);
  }
  return (equals.length === 1 ? equals[0] : equals[chance.below(equals.length)]) as number;
}
