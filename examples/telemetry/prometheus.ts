// Counts what a router does, and serves it at /metrics: `INFERLANE_TOKENS=… node prometheus.ts`.
import { createServer } from 'node:http';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';
import { collectMetrics } from 'inferlane/prometheus';

const router = createRouter({
  providers: {
    gpu: { type: 'ollama', url: process.env['OLLAMA_BASE_URL'] ?? 'http://127.0.0.1:11434' },
    // So that somebody answers where there is no Ollama; the dashboard shows how often.
    last: { type: 'stub' },
  },
});
const handler = createHandler(router, { tokens: process.env['INFERLANE_TOKENS']?.split(','), metrics: collectMetrics(router) });
const server = createServer(toNodeListener(handler)).listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`port: ${address?.port}`);
});
