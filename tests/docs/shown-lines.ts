import { pino } from 'pino';
import { createRouter } from '../../src/index.ts';
import { fakeBackend, models, reply } from '../../src/testing/index.ts';

/** The line that pino writes of an answer. */
export async function logLine(): Promise<object> {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  await using gpu = await fakeBackend('ollama', [models(['llama3.1']), reply()]).listen();
  await using router = createRouter({ providers: { gpu: { type: 'ollama', url: gpu.url, defaultModel: 'llama3.1' } }, logger });
  await router.chat({ messages: [{ role: 'user', content: 'Hello!' }] });
  const line = lines.find((each) => each.includes('"request:end"'));
  if (line === undefined) throw new Error('No line tells of the answer.');
  return JSON.parse(line) as object;
}
