import { equal } from 'node:assert/strict';
import type { Router } from '../../../src/index.ts';
import { title } from '../print/lines.ts';
import { table } from '../print/table.ts';
import { milliseconds } from '../print/units.ts';

export async function showHealth(router: Router): Promise<void> {
  title('7  How they are now', 'router.health()');
  const { providers } = await router.health();
  const rows = providers.map(({ provider, type, device, status, latencyMs, models = [], error }) => {
    const names = models.map(({ id }) => (isPinned(router, provider, id) ? `${id} (pinned)` : id));
    return [provider, type, device, status, milliseconds(latencyMs ?? 0), error?.code ?? names.join(', ')];
  });
  table([['provider', 'type', 'device', 'status', 'latency', 'models'], ...rows], ([provider, , , status]) =>
    provider === 'provider' ? 'dim' : status === 'ok' ? undefined : 'red',
  );
  equal(providers.find(({ provider }) => provider === 'cpu-box')?.status, 'down', 'the killed process should be down');
}

function isPinned(router: Router, provider: string, model: string): boolean {
  const { models = [] } = router.snapshot().providers.find((each) => each.provider === provider) ?? {};
  return models.some((each) => each.model === model && each.pinnedUntilMs !== undefined);
}
