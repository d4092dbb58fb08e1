// A process of its own that infers from a GGUF with the library and answers in Ollama's protocol. The demo starts and kills it.
//
// Before the first piece of each answer leaves, it tells its parent and waits for leave to go on: that is how the demo hits
// the moment between an accepted request and its first content.
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createRouter, textOf } from '../../src/index.ts';
import { startOllamaServer } from './ollama-server.ts';

const [modelPath = ''] = process.argv.slice(2);
await using router = createRouter({ providers: { cpu: { type: 'cpu', modelPath } } });
await using server = await startOllamaServer({
  models: [{ name: 'tiny', sizeBytes: statSync(modelPath).size }],
  async *chat(messages) {
    const answer = await router.stream({ messages });
    process.send?.({ at: 'first-token' });
    await once(process, 'message');
    yield* textOf(answer);
  },
});
process.send?.({ at: 'listening', url: server.url });
await once(process, 'disconnect');
