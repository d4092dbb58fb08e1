import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createHandler } from '../../src/http/handler.ts';
import { toNodeListener } from '../../src/http/node.ts';
import { type Clock, createRouter, type ProviderOptions, type Router, type RouterOptions, systemClock } from '../../src/index.ts';
import { type Behaviour, type ScriptedProvider, scriptedProvider } from './scripted-provider.ts';

export const token = 'vY7-pQ2_mK9.xT4sWd8Zc3';

/** A provider of a type is what the type makes of it; without one it does as it is told. */
export type SceneProvider = Omit<Partial<ProviderOptions>, 'adapter'> & { readonly does?: Partial<Behaviour> };

/** A server with the real handler in front of a real router over providers that do as they are told. */
export interface Scene<Id extends string> extends AsyncDisposable {
  readonly url: string;
  readonly router: Router;
  readonly providers: Readonly<Record<Id, ScriptedProvider>>;
  /** Lets time go by for the server, without anything that would have happened. */
  skip(ms: number): void;
  /** Takes the server away, with every connection. */
  stop(): Promise<void>;
  /** Brings it back at the same address. */
  start(): Promise<void>;
}

export async function openScene<Id extends string>(
  given: Readonly<Record<Id, SceneProvider>>,
  more: Omit<RouterOptions, 'providers'> = {},
): Promise<Scene<Id>> {
  const providers = {} as Record<Id, ScriptedProvider>;
  const configured: Record<string, ProviderOptions> = {};
  for (const [id, { does, ...rest }] of Object.entries(given) as [Id, SceneProvider][]) {
    providers[id] = scriptedProvider(does);
    const { adapter } = providers[id];
    configured[id] = rest.type === undefined ? { locality: 'host', ...rest, type: 'custom', adapter } : (rest as ProviderOptions);
  }
  let skippedMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + skippedMs,
    wallMs: () => systemClock.wallMs() + skippedMs,
  };
  const options: RouterOptions = {
    clock,
    health: { intervalMs: 500 },
    checkModels: false,
    pollMs: 500,
    ...more,
    providers: configured,
  };
  const router = createRouter(options);
  const handler = createHandler(router, { admin: { token, options }, clock });
  let server: Server | undefined;
  let port = 0;
  const stop = async (): Promise<void> => {
    const going = server;
    server = undefined;
    if (going === undefined) return;
    going.closeAllConnections();
    going.close();
    await once(going, 'close');
  };
  const start = async (): Promise<void> => {
    server = createServer(toNodeListener(handler)).listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/admin`,
    router,
    providers,
    skip: (ms) => void (skippedMs += ms),
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      await router.close({ drainMs: 0 });
    },
  };
}

/** What a page may not do, as it happens: scripts that fail, dialogs, requests elsewhere, breaches of the content policy. */
export interface Watched extends AsyncDisposable {
  readonly page: Page;
  readonly breaches: readonly string[];
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const breaches: string[] = [];
  const { origin } = new URL(url);
  page.on('pageerror', (error) => breaches.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    breaches.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin && !request.url().startsWith('data:')) breaches.push(`request: ${request.url()}`);
  });
  page.on('console', (message) => {
    // What the browser says of a server that is away is no fault of the page.
    if (/Content Security Policy|Refused to/.test(message.text())) breaches.push(`policy: ${message.text()}`);
  });
  await page.goto(url);
  return { page, breaches, [Symbol.asyncDispose]: () => context.close() };
}

export async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Admin token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Providers', exact: true }).first().waitFor();
}

/** A page behind the login. */
export async function openDesk(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const watched = await openPage(browser, url, options);
  await logIn(watched.page);
  return watched;
}
