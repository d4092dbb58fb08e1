// Writes what a router does as lines of JSON: `node logs.ts`.
import { createRouter } from 'inferlane';
import { pino } from 'pino';

await using router = createRouter({
  providers: {
    gpu: { type: 'ollama', url: process.env['OLLAMA_BASE_URL'] ?? 'http://127.0.0.1:11434', defaultModel: 'llama3.1' },
    last: { type: 'stub' },
  },
  logger: pino({ level: process.env['LOG_LEVEL'] ?? 'info' }),
});

await router.chat({ messages: [{ role: 'user', content: 'Hello!' }] });
