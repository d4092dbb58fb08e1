import { equal, ok } from 'node:assert/strict';
import type { Router } from '../../../src/index.ts';
import { messages } from '../conversation.ts';
import { printRoute } from '../print/answer.ts';
import { say, title } from '../print/lines.ts';
import { paint } from '../print/paint.ts';
import { minutes } from '../print/units.ts';

export async function goStraightToCpu(router: Router): Promise<void> {
  title('4  The next call does not try it again', `router.chat({ model: 'tiny', messages })`);
  const gpu = router.explain({ model: 'tiny', messages }).skipped.find(({ provider }) => provider === 'gpu');
  ok(gpu?.readyAtMs, 'the GPU should be pinned');
  say('plan', `- gpu  skipped: ${gpu.reason}; again in ${minutes(gpu.readyAtMs - router.snapshot().nowMs)}`);
  const { choices, route } = await router.chat({ model: 'tiny', messages });
  say('answer', paint('green', String(choices[0].message.content)));
  printRoute(route);
  equal(route.attempts.length, 1, 'the GPU should have been left out');
}
