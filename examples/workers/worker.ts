import { createRouter } from 'inferlane';
import { createHandler, type Handler } from 'inferlane/http';

/** Variables and secrets of the Worker; what is unset is null in workerd and missing at Cloudflare. */
interface Env {
  readonly GPU_URL: string;
  readonly GPU_API_KEY?: string | null;
  /** What callers send as `Authorization: Bearer …`, with commas between them. */
  readonly INFERLANE_TOKENS?: string | null;
  /** The names under which the Worker is reached. */
  readonly INFERLANE_HOSTS?: string | null;
}

/** One for all requests of an isolate, so that what it learns of the servers lasts. */
let handler: Handler | undefined;

const worker: { fetch(request: Request, env: Env): Promise<Response> } = {
  fetch(request, env) {
    // Not before the first request: Workers may neither fetch nor make random numbers while they load.
    handler ??= open(env);
    return handler(request);
  },
};
export default worker;

function open({ GPU_URL, GPU_API_KEY, INFERLANE_TOKENS, INFERLANE_HOSTS }: Env): Handler {
  const router = createRouter({
    providers: { gpu: { type: 'vllm', url: GPU_URL, apiKey: GPU_API_KEY ?? undefined } },
  });
  return createHandler(router, { tokens: INFERLANE_TOKENS?.split(','), hosts: INFERLANE_HOSTS?.split(',') });
}
