import { equal } from 'node:assert/strict';
import type { Router } from '../../../src/index.ts';
import { answer, messages } from '../conversation.ts';
import type { CpuBox } from '../cpu-box.ts';
import { printRoute, printTokens } from '../print/answer.ts';
import { say, title } from '../print/lines.ts';
import { paint } from '../print/paint.ts';

export async function killBeforeCommit(router: Router, cpuBox: CpuBox): Promise<void> {
  title('5  Killed before it answers', `router.stream({ model: 'tiny-batch', messages }, { intent: 'heavy' })`);
  const request = { model: 'tiny-batch', messages };
  const { route } = await router.chat(request, { intent: 'heavy' });
  printRoute(route);
  equal(route.provider, 'cpu-box', 'cpu-box should have answered while it lived');

  cpuBox.killAtFirstToken(() => {
    say('SIGKILL', paint('red', `✗ process ${cpuBox.pid} had accepted the call and held its first token`));
  });
  const stream = await router.stream(request, { intent: 'heavy' });
  equal(await printTokens(stream), answer, 'the caller should have got one whole answer');
  printRoute(stream.route);
  equal(stream.route.attempts.length, 2, 'the killed process should have been tried first');
}
