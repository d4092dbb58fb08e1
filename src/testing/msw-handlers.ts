import { createRequire } from 'node:module';
import type { RequestHandler } from 'msw';
import type * as Msw from 'msw';
import { RouterError } from '../index.ts';
import type { Sink } from './perform.ts';
import type { Arrival, Visit } from './visit.ts';

type Open = (arrival: Arrival) => Visit;

/**
 * Handlers for everything below `url`.
 * @throws {RouterError} `invalid_config` where msw is not installed.
 */
export function createHandlers(url: string, open: Open): readonly RequestHandler[] {
  const { http, HttpResponse } = loadMsw();
  const prefix = new URL(url).pathname.replace(/\/$/, '');
  const resolve = async ({ request }: { request: Request }): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const visit = open({
      method: request.method,
      path: pathname.slice(prefix.length) + search,
      headers: Object.fromEntries(request.headers),
      bodyText: await request.text(),
    });
    if (request.signal.aborted) visit.leave();
    request.signal.addEventListener('abort', visit.leave, { once: true });
    return respond(visit, HttpResponse);
  };
  return [http.all(`${url}/*`, resolve)];
}

/**
 * msw is an optional peer, and only the handlers need it: it is loaded when they are asked for. `require` gives the same module
 * that `import` gives a test, so both speak of one msw.
 */
function loadMsw(): typeof Msw {
  try {
    return createRequire(import.meta.url)('msw') as typeof Msw;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error;
    throw new RouterError('invalid_config', 'The handlers of a fake backend need msw: npm install --save-dev msw. Its listen() does not.');
  }
}

/** Resolves when the head is known, the body comes in a stream; or with a failed connection, when all is over and there was no head. */
function respond(visit: Visit, HttpResponse: typeof Msw.HttpResponse): Promise<Response> {
  return new Promise((resolve) => {
    void visit.serve(responseSink(resolve, visit, HttpResponse)).then(() => resolve(HttpResponse.error()));
  });
}

function responseSink(resolve: (response: Response) => void, visit: Visit, HttpResponse: typeof Msw.HttpResponse): Sink {
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  return {
    head({ status, headers }) {
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => void (body = controller),
        cancel: () => visit.leave(),
      });
      resolve(new HttpResponse(stream, { status, headers: { ...headers } }));
    },
    write: (bytes) => body?.enqueue(bytes),
    end(how) {
      if (how === 'end') body?.close();
      else body?.error(new TypeError(how === 'rst' ? 'The connection was reset.' : 'The connection was closed.'));
    },
  };
}
