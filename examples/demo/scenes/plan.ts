import type { Router } from '../../../src/index.ts';
import { messages } from '../conversation.ts';
import { title } from '../print/lines.ts';
import { table } from '../print/table.ts';

export function showPlan(router: Router): void {
  title('2  The plan', `router.explain({ model: 'tiny', messages })`);
  const { candidates, skipped } = router.explain({ model: 'tiny', messages });
  table([
    ...candidates.map(({ provider, model = '', reason }, index) => [`${index + 1}.`, provider, model, reason]),
    ...skipped.map(({ provider, model = '', reason }) => ['-', provider, model, `skipped: ${reason}`]),
  ]);
}
