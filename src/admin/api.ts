import type {
  AdminCount,
  AdminEvent,
  AdminPlaygroundAsk,
  AdminPlaygroundFrame,
  AdminSettings,
  AdminSettingsPatch,
  AdminState,
  AdminTarget,
  AdminTestedFailover,
  AdminTestedProvider,
} from '../http/admin-contract.ts';
import { ask } from './browser.ts';
import { readFrames } from './server-stream.ts';

/** What the server refused, or that it could not be reached (`status` 0). The message is for people. */
export class ApiFailure extends Error {
  override readonly name: string = 'ApiFailure';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The server's answers for one token. Everything rejects with `ApiFailure`, or with the signal's reason. */
export interface Api {
  state(signal?: AbortSignal): Promise<AdminState>;
  save(patch: AdminSettingsPatch): Promise<AdminSettings>;
  testProvider(target: AdminTarget): Promise<AdminTestedProvider>;
  testFailover(signal?: AbortSignal): Promise<AdminTestedFailover>;
  unpin(target: AdminTarget): Promise<AdminCount>;
  closeCircuit(target: AdminTarget): Promise<AdminCount>;
  /** Undefined stands for a sign of life. Returns when the server ends the stream. */
  events(signal: AbortSignal): AsyncGenerator<AdminEvent | undefined, void>;
  playground(asked: AdminPlaygroundAsk, signal: AbortSignal): AsyncGenerator<AdminPlaygroundFrame, void>;
}

export function createApi(token: string): Api {
  const authorization = { authorization: `Bearer ${token}` };
  const get = (path: string, signal?: AbortSignal): Promise<Response> =>
    answered(ask(path, { headers: authorization, ...(signal && { signal }) }), signal);
  const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> => {
    const headers = { ...authorization, 'content-type': 'application/json', 'x-inferlane-admin': '1' };
    return answered(ask(path, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) }), signal);
  };
  return {
    state: async (signal) => parsed<AdminState>(await get('state', signal)),
    save: async (patch) => parsed<AdminSettings>(await post('settings', patch)),
    testProvider: async (target) => parsed<AdminTestedProvider>(await post('test-provider', target)),
    testFailover: async (signal) => parsed<AdminTestedFailover>(await post('test-failover', {}, signal)),
    unpin: async (target) => parsed<AdminCount>(await post('unpin', target)),
    closeCircuit: async (target) => parsed<AdminCount>(await post('close-circuit', target)),
    async *events(signal) {
      for await (const data of framesOf(await get('events', signal))) yield data === '' ? undefined : (JSON.parse(data) as AdminEvent);
    },
    async *playground(asked, signal) {
      for await (const data of framesOf(await post('playground', asked, signal))) {
        if (data !== '') yield JSON.parse(data) as AdminPlaygroundFrame;
      }
    },
  };
}

async function answered(asking: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    response = await asking;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiFailure(0, 'The server cannot be reached.');
  }
  if (response.ok) return response;
  throw new ApiFailure(response.status, await refusalOf(response));
}

/** The server's own words where it has any: they are one JSON shape, but something in between may answer in its place. */
async function refusalOf(response: Response): Promise<string> {
  const { status } = response;
  const waitS = Number(response.headers.get('retry-after'));
  const wait = status === 429 && waitS > 0 ? ` Try again in ${waitS} s.` : '';
  try {
    const { error } = (await response.json()) as { readonly error?: { readonly message?: unknown; readonly issues?: unknown } };
    if (typeof error?.message === 'string') return `${error.message}${issuesOf(error.issues)}${wait}`;
  } catch {
    // What follows says enough.
  }
  return `The server answered with status ${status}.${wait}`;
}

/** What the router found wrong in settings: where, and what. */
function issuesOf(issues: unknown): string {
  if (!Array.isArray(issues)) return '';
  return (issues as { readonly path: string; readonly message: string }[]).map(({ path, message }) => ` ${path} ${message}.`).join('');
}

async function parsed<Answer>(response: Response): Promise<Answer> {
  try {
    return (await response.json()) as Answer;
  } catch {
    throw new ApiFailure(response.status, 'The server’s answer broke off.');
  }
}

function framesOf({ body }: Response): AsyncGenerator<string, void> {
  if (body === null) throw new ApiFailure(0, 'The server sent no stream.');
  return readFrames(body);
}

/** What went wrong, in words for the page. */
export function wordsOf(error: unknown): string {
  return error instanceof ApiFailure ? error.message : 'The connection to the server broke off.';
}
