import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { RouterError } from '../../src/index.ts';
import { eventNames } from '../../src/core/events.ts';
import { describeInChromium } from './chromium.ts';
import { payloads } from './payloads.ts';
import { logIn, openDesk, openPage, openScene, type Scene, type SceneProvider, type Watched } from './scene.ts';

/** What stands on the page: in text, in fields, and in titles. */
async function shownIn(page: Page): Promise<string> {
  return page.evaluate(`[
    document.body.textContent,
    ...Array.from(document.querySelectorAll('input, textarea, option'), (each) => each.value),
    ...Array.from(document.querySelectorAll('[title]'), (each) => each.title),
  ].join('\\n')`);
}

/** Elements that the page has no use for, and attributes that are scripts. */
async function foreignIn(page: Page): Promise<string[]> {
  return page.evaluate(`Array.from(document.querySelectorAll('#app *')).filter((each) =>
    each.matches('script, iframe, object, embed, img, link, style, meta, base, video, audio, source, template, math, marquee, isindex, custom-element, svg:not(.mark), [style]:not(.chart *), a:not([href^="#"]), [action], [formaction]')
      || Array.from(each.attributes).some(({ name }) => name.startsWith('on'))
  ).map((each) => each.outerHTML.slice(0, 120))`);
}

async function expectHarmless({ page, breaches }: Watched, missing: readonly string[] = []): Promise<void> {
  expect(missing).toEqual([]);
  expect(await foreignIn(page)).toEqual([]);
  expect(await page.evaluate('typeof pwned')).toBe('undefined');
  expect(breaches).toEqual([]);
}

const missingIn = (text: string): string[] => payloads.filter((payload) => !text.includes(payload));

const ids = payloads.map((_, index) => `p${index}`);

/** A provider that says this wherever a server can say something. */
function saying(payload: string): SceneProvider {
  return {
    device: 'gpu',
    metadata: { note: payload },
    does: {
      version: payload,
      models: [{ id: payload }],
      load: { resident: [{ id: payload }] },
      failure: new RouterError('out_of_memory', payload),
    },
  };
}

/** One provider for each payload. */
function hostile(): Promise<Scene<string>> {
  return openScene(Object.fromEntries(payloads.map((payload, index) => [`p${index}`, saying(payload)])));
}

/** The state of a scene, with one payload in the place of every name that a provider has. */
function disguised(text: string): string {
  return ids.reduceRight((state, id, index) => state.replaceAll(JSON.stringify(id), JSON.stringify(payloads[index])), text);
}

const frames = (told: readonly object[]): string => told.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');

function eventOf(name: string, payload: string, id: number): object {
  const error = { code: payload, message: payload };
  const names = {
    provider: payload,
    model: payload,
    from: payload,
    to: payload,
    intent: payload,
    verb: payload,
    path: payload,
    event: payload,
  };
  const rest = {
    reason: payload,
    message: payload,
    providers: [payload],
    added: [payload],
    error,
    ms: 5,
    attempts: 2,
    attempt: 2,
    vramShare: 0.5,
  };
  return { id, atMs: Date.now(), name, payload: { requestId: `${payload} ${id}`, ...names, ...rest } };
}

test('there are 60 payloads, all different', () => {
  expect(new Set(payloads).size).toBe(60);
});

describeInChromium('texts of servers', (browser) => {
  test('are shown as text: versions, models, health messages, errors, metadata', async () => {
    await using scene = await hostile();
    await using desk = await openDesk(browser(), scene.url);
    const { page } = desk;
    await page.getByText(`version ${payloads[59] ?? ''}`, { exact: true }).waitFor();
    const settled = await shownIn(page);
    expect(missingIn(settled)).toEqual([]);
    for (const [id, { does }] of Object.entries(scene.providers))
      does.sick = new RouterError('unavailable', `${id} says ${String(does.version)}`);
    scene.skip(60_000);
    await page
      .getByText(`p59 says ${payloads[59] ?? ''}`)
      .first()
      .waitFor();
    const sick = await shownIn(page);
    await expectHarmless(
      desk,
      payloads.filter((payload, index) => !sick.includes(`p${index} says ${payload}`)),
    );
  });

  test('are shown as text: models that are pinned, errors of calls, events', async () => {
    await using scene = await hostile();
    await using desk = await openDesk(browser(), scene.url);
    const ask = { messages: [{ role: 'user' as const, content: 'Hello!' }] };
    await Promise.all(
      ids.map((provider, index) =>
        scene.router.chat({ ...ask, model: payloads[index] ?? '' }, { provider, maxAttempts: 1 }).catch(() => undefined),
      ),
    );
    const { page } = desk;
    await page
      .getByText(/^p59 ran out of memory with/)
      .first()
      .waitFor();
    await page.getByLabel('Show').selectOption('decisions');
    const text = await shownIn(page);
    const untold = payloads.filter((payload, index) => !text.includes(`p${index} ran out of memory with ${payload}, others are preferred`));
    await expectHarmless(desk, untold);
  });

  test('are shown as text where even the names of providers are hostile', async () => {
    await using scene = await hostile();
    await using desk = await openPage(browser(), scene.url);
    const { page } = desk;
    await page.route('**/admin/api/state', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: disguised(await response.text()) });
    });
    await logIn(page);
    const headings = await page.getByRole('list').locator('h3').allTextContents();
    await expectHarmless(
      desk,
      payloads.filter((payload) => !headings.includes(payload)),
    );
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByRole('heading', { name: 'Router' }).waitFor();
    await expectHarmless(desk);
  });

  test('are shown as text in every event', async () => {
    await using scene = await openScene({ gpu: {} });
    await using desk = await openPage(browser(), scene.url);
    const { page } = desk;
    // The return of a store is told by a time alone.
    const withText = eventNames.filter((name) => name !== 'state:restored');
    const perPayload = payloads.map((payload, index) => eventOf(withText[index % withText.length] ?? '', payload, index + 1));
    const perName = [...eventNames, payloads[0] ?? ''].map((name, index) => eventOf(name, '<img src=x onerror=pwned=1>', index + 1));
    const told = [perPayload, perName];
    const second = new AbortController();
    await page.route('**/admin/api/events', async (route) => {
      const body = frames(told.shift() ?? []);
      if (told.length === 0 && !second.signal.aborted) await once(second.signal, 'abort');
      await route.fulfill({ contentType: 'text/event-stream', body });
    });
    await logIn(page);
    const log = page.getByLabel('Events, the latest first');
    await log.getByRole('listitem').nth(59).waitFor();
    expect(missingIn((await log.textContent()) ?? '')).toEqual([]);
    await expectHarmless(desk);
    second.abort();
    await log.getByTitle(payloads[0] ?? '').waitFor();
    await expectHarmless(desk);
  });

  test('are shown as text in the playground: plan, answer, route, error', async () => {
    await using scene = await openScene({ gpu: {} });
    await using desk = await openDesk(browser(), scene.url);
    const { page } = desk;
    const all = payloads.map((payload) => ({ provider: payload, model: payload, reason: payload, code: payload, substituted: false }));
    const names = { verb: 'stream', intent: payloads[0], balance: payloads[1], lane: payloads[2], promptTokens: 1, atMs: 1 };
    const told = [
      { type: 'plan', plan: { ...names, candidates: all, skipped: all } },
      ...payloads.map((text) => ({ type: 'text', text: `${text}\n` })),
      { type: 'route', text: payloads.join('\n') },
      { type: 'error', code: payloads[0], message: payloads.join(' ') },
    ];
    await page.route('**/admin/api/playground', (route) => route.fulfill({ contentType: 'text/event-stream', body: frames(told) }));
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('What to ask').fill(payloads.join(' '));
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('The call failed.').waitFor();
    for (const place of ['ol.plan', 'ul.plan', '.answer', '.route', '.playground .problem']) {
      expect(missingIn((await page.locator(place).last().textContent()) ?? '')).toEqual([]);
    }
    await expectHarmless(desk);
  });

  test('are shown as text where a server refuses something', async () => {
    await using scene = await openScene({ gpu: {} });
    await using desk = await openDesk(browser(), scene.url);
    const { page } = desk;
    const message = payloads.join(' ');
    await page.route('**/admin/api/test-provider', (route) => route.fulfill({ status: 400, json: { error: { code: 'x', message } } }));
    await page.getByRole('button', { name: 'Test gpu' }).click();
    await page.getByText(payloads[0] ?? '').waitFor();
    await expectHarmless(desk, missingIn(await shownIn(page)));
  });
});
