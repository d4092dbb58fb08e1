import type { Picker } from './baselines.ts';
import type { SimClock } from './clock.ts';
import type { Machine } from './machine.ts';
import type { Client, Report, SimRequest } from './request.ts';

/** As many as the router's own default. */
const mostAttempts = 3;

/**
 * A client that does what its picker says, and on a failure before the first token asks it for another machine. No breaker, no limits of
 * time, no lanes.
 */
export function dispatcher(machines: readonly Machine[], picker: Picker, clock: SimClock): Client {
  const everyone = machines.map((_, index) => index);
  const attempt = (request: SimRequest, report: Report, tried: readonly number[], why: string): void => {
    const left = openTo(request, machines, everyone).filter((machine) => !tried.includes(machine));
    if (left.length === 0 || tried.length === mostAttempts) return report.failed(why);
    const chosen = picker.pick(request, picker.filter?.(left) ?? left);
    const sentMs = clock.nowMs();
    let began = false;
    picker.sent?.(chosen, request);
    (machines[chosen] as Machine).submit({
      request,
      first() {
        began = true;
        picker.first?.(chosen, clock.nowMs() - sentMs);
        report.first();
      },
      done() {
        picker.done?.(chosen, request);
        report.done();
      },
      failed(kind) {
        picker.failed?.(chosen, kind);
        if (began) report.failed(kind);
        else attempt(request, report, [...tried, chosen], kind);
      },
    });
  };
  return { send: (request, report) => attempt(request, report, [], 'nobody'), close: () => Promise.resolve() };
}

function openTo({ only }: SimRequest, machines: readonly Machine[], everyone: readonly number[]): readonly number[] {
  return only === undefined ? everyone : everyone.filter((index) => machines[index]?.spec.id === only);
}
