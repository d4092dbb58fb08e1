import { type ChatRequest, createRouter, isRouterError, type ProviderOptions, type RouterOptions } from '../../src/index.ts';
import { adapterOf } from './adapter.ts';
import type { Chance } from './chance.ts';
import type { SimClock } from './clock.ts';
import type { Machine, MachineSpec } from './machine.ts';
import type { Client, Report, SimRequest } from './request.ts';

export interface RouterSetting {
  readonly options: Omit<RouterOptions, 'providers' | 'clock' | 'random'>;
  /** What a user would say of the machine, beside its device. */
  readonly provider?: (spec: MachineSpec) => Partial<ProviderOptions>;
  /** Calls name their session; else the router sees the prompt alone. */
  readonly namesSessions?: boolean;
}

/** Nobody in these runs gives up before the answer: a limit would hide how long it took. */
const patient = { deadlineMs: 7_200_000, timeouts: { firstTokenMs: 3_600_000, idleMs: 60_000 } };

/** The real router over the machines, each an adapter of its own. */
export function routerClient(machines: readonly Machine[], clock: SimClock, chance: Chance, setting: RouterSetting): Client {
  const underWay = new Map<string, SimRequest>();
  const find = ({ user = '' }: ChatRequest): SimRequest => underWay.get(user) as SimRequest;
  const { options, provider, namesSessions = false } = setting;
  const router = createRouter({
    checkModels: false,
    ...options,
    clock,
    random: chance.next,
    providers: Object.fromEntries(
      machines.map((machine) => {
        const { id, device } = machine.spec;
        return [id, { type: 'custom', device, adapter: adapterOf(machine, clock, find), ...provider?.(machine.spec) }] as const;
      }),
    ),
  });
  const answer = async (request: SimRequest, report: Report): Promise<void> => {
    const { id, model, messages, intent, session, only } = request;
    const user = String(id);
    underWay.set(user, request);
    try {
      const stream = await router.stream(
        { model, messages, user },
        { ...patient, intent, ...(only !== undefined && { provider: only }), ...(namesSessions && session !== undefined && { session }) },
      );
      let began = false;
      for await (const { choices } of stream) {
        if (began || !choices[0]?.delta.content) continue;
        began = true;
        report.first();
      }
      report.done();
    } catch (error) {
      // Anything else is a defect of the simulator, or of the router.
      if (!isRouterError(error)) throw error;
      report.failed(error.code);
    } finally {
      underWay.delete(user);
    }
  };
  return { send: (request, report) => void answer(request, report), close: () => router.close() };
}
