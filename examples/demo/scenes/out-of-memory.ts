import { equal } from 'node:assert/strict';
import type { Router } from '../../../src/index.ts';
import { answer, messages } from '../conversation.ts';
import { printRoute, printTokens } from '../print/answer.ts';
import { title } from '../print/lines.ts';

export async function runOutOfMemory(router: Router): Promise<void> {
  title('3  The GPU runs out of memory', `router.stream({ model: 'tiny', messages }, { intent: 'fast' })`);
  const stream = await router.stream({ model: 'tiny', messages }, { intent: 'fast' });
  equal(await printTokens(stream), answer, 'the CPU should have given the whole answer');
  printRoute(stream.route, 'a cold start');
  equal(stream.route.attempts[0]?.error?.code, 'out_of_memory', 'the GPU should have run out of memory');
}
