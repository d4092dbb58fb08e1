import { type ChatRequest, createRouter, type ProviderOptions, type Router, type RouterOptions } from '../../src/index.ts';
import type { AdminChange, AdminOptions } from '../../src/http/admin-options.ts';
import { createHandler, type Handler } from '../../src/http/handler.ts';
import { type Fake, fake, type Outcome } from '../_kit/fake-adapter.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

export const token = 'kM3vQ9xT7bR2wLz8sYc4Hd';
export const hello: ChatRequest = { messages: [{ role: 'user', content: 'Hello!' }] };

export interface AdminServer {
  readonly router: Router;
  readonly options: RouterOptions;
  readonly clock: TestClock;
  readonly handler: Handler;
  readonly changes: readonly AdminChange[];
  readonly fakes: Readonly<Record<string, Fake>>;
  readonly get: (path: string, more?: RequestInit) => Promise<Response>;
  readonly post: (path: string, body: unknown, more?: RequestInit) => Promise<Response>;
}

/** A router over fake providers behind a handler with an admin page, on a clock that stands still. */
export function adminServer(
  providers: Readonly<Record<string, Outcome | readonly Outcome[]>> = { gpu: 'from gpu', cpu: 'from cpu' },
  more: Omit<RouterOptions, 'providers'> = {},
  admin: Partial<AdminOptions> = {},
): AdminServer {
  const clock = testClock();
  const fakes = Object.fromEntries(Object.entries(providers).map(([id, does]) => [id, fake(does, { clock })]));
  const configured = Object.fromEntries(
    Object.entries(fakes).map(([id, { adapter }]): [string, ProviderOptions] => [id, { type: 'custom', adapter }]),
  );
  const options: RouterOptions = { clock, random: () => 0.5, health: false, ...more, providers: configured };
  return { ...servedBy(createRouter(options), options, clock, admin), fakes };
}

export function servedBy(
  router: Router,
  options: RouterOptions,
  clock: TestClock,
  admin: Partial<AdminOptions> = {},
): Omit<AdminServer, 'fakes'> {
  const changes: AdminChange[] = [];
  const given = { token, options, onChange: (change: AdminChange) => void changes.push(change) };
  const handler = createHandler(router, { admin: Object.defineProperties(given, Object.getOwnPropertyDescriptors(admin)), clock });
  const ask = (path: string, init: RequestInit): Promise<Response> => handler(new Request(`http://localhost:8080${path}`, init));
  return {
    router,
    options,
    clock,
    handler,
    changes,
    get: (path, init = {}) => ask(path, { headers: { authorization: `Bearer ${token}` }, ...init }),
    post: (path, body, init = {}) => ask(path, { method: 'POST', headers: writeHeaders, body: JSON.stringify(body), ...init }),
  };
}

export const writeHeaders: Readonly<Record<string, string>> = {
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'x-inferlane-admin': '1',
};

/** The data of the frames of a whole stream. */
export async function framesOf(response: Response): Promise<unknown[]> {
  return (await response.text())
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => JSON.parse(frame.slice(6)) as unknown);
}

/** Reads a stream that goes on, frame by frame and none ahead. */
export function readerOf(response: Response): { readonly next: () => Promise<string | undefined>; readonly leave: () => Promise<void> } {
  if (response.body === null) throw new Error('There is no body.');
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const next = async (): Promise<string | undefined> => {
    const { value } = await reader.read();
    return value === undefined ? undefined : decoder.decode(value);
  };
  return { next, leave: () => reader.cancel() };
}

export async function errorOf(response: Response): Promise<Record<string, unknown>> {
  return ((await response.json()) as { error: Record<string, unknown> }).error;
}
