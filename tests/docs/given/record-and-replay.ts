import { type Adapter, defineAdapter, type RouterOptions } from '../../../src/index.ts';
import { createTestRouter } from '../../../src/testing/index.ts';

export function options(): RouterOptions {
  return { providers: { box: { type: 'custom', adapter: box(), device: 'gpu', defaultModel: 'm' } } };
}

function box(): Adapter {
  const base = { id: 'c', object: 'chat.completion', created: 0, model: 'm' } as const;
  const choices = [
    { index: 0, message: { role: 'assistant', content: 'Hello.', refusal: null }, finish_reason: 'stop', logprobs: null },
  ] as const;
  return defineAdapter({ name: 'box', chat: async () => ({ ...base, choices: [...choices] }) });
}

/** What a router that answered a few calls has written: the lines of a file. */
export async function record(): Promise<string> {
  const { router, clock, close } = createTestRouter(options());
  const lines: string[] = [];
  router.record((line) => void lines.push(line));
  for (let call = 0; call < 3; call++) await clock.run(router.chat({ messages: [{ role: 'user', content: 'Hello!' }] }));
  await close();
  return lines.map((line) => `${line}\n`).join('');
}
