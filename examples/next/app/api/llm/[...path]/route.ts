import { createRouter } from 'inferlane';
import { createHandler, type Handler } from 'inferlane/http';

let handler: Handler | undefined;

/** Opened by its first request: `next build` loads this file as well, where there are no servers and no secrets. */
function open(): Handler {
  const router = createRouter();
  return createHandler(router, { basePath: '/api/llm', tokens: process.env.INFERLANE_TOKENS?.split(',') });
}

function answer(request: Request): Promise<Response> {
  handler ??= open();
  return handler(request);
}

export { answer as GET, answer as OPTIONS, answer as POST };
