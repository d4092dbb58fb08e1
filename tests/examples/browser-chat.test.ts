import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutAfter, fakeBackend, type ListeningBackend, models, reply, testClock } from '../../src/testing/index.ts';
import { describeInChromium } from '../admin/chromium.ts';
import { openPage, type Watched } from '../admin/scene.ts';
import { describeHandler, held } from './example-checks.ts';
import { callerToken, type RunningExample, startServer } from './example-process.ts';

const clock = testClock();
let backend: ListeningBackend;
let open: RunningExample;
let guarded: RunningExample;

beforeAll(async () => {
  backend = await fakeBackend('ollama', models(['tiny', 'tiny-large', 'llama3.1:8b']), { clock }).listen();
  const env = { OLLAMA_BASE_URL: backend.url };
  [open, guarded] = await Promise.all([
    startServer('browser-chat', env),
    startServer('browser-chat', { ...env, INFERLANE_TOKENS: callerToken }),
  ]);
}, 60_000);
afterAll(async () => {
  await open?.[Symbol.asyncDispose]();
  await guarded?.[Symbol.asyncDispose]();
  await backend?.close();
});

describeHandler('the server of the example browser-chat', () => ({ backend, clock, url: guarded.url }), { folder: 'browser-chat' });

/** The page, ready to be written in. */
async function openChat(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const watched = await openPage(browser, `${open.url}/chat`, options);
  await watched.page.getByRole('combobox', { name: 'Model' }).and(watched.page.locator(':enabled')).waitFor();
  return watched;
}

const last = (page: Page, text: string): Promise<void> => page.locator('li:last-child p').getByText(text, { exact: true }).waitFor();
const said = (page: Page): Promise<string[]> => page.locator('li p').allTextContents();
const focusedId = (page: Page): Promise<string> => page.evaluate('document.activeElement.id');

describeInChromium('the page of the example browser-chat', (browser) => {
  test('shows each piece of an answer while the next one is still held back', async () => {
    backend.play(held);
    await using watched = await openChat(browser());
    const { page } = watched;
    await page.keyboard.type('Count!');
    await page.keyboard.press('Enter');
    await last(page, 'One');
    await clock.advance(1_000);
    await last(page, 'One two');
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await clock.advance(1_000);
    await clock.advance(1_000);
    await last(page, 'One two three.');
    await page.locator('#send:enabled').waitFor();
    expect(await said(page)).toEqual(['Count!', 'One two three.']);
    expect(watched.breaches).toEqual([]);
  });

  test('sends the whole conversation to the model that was chosen', async () => {
    backend.play([reply('First.'), reply('Second.')]);
    await using watched = await openChat(browser());
    const { page } = watched;
    await page.getByLabel('Model').selectOption('tiny-large');
    for (const [question, answer] of [
      ['One?\nReally?', 'First.'],
      ['Two?', 'Second.'],
    ] as const) {
      await page.getByLabel('Message').fill(question);
      await page.keyboard.press('Enter');
      await last(page, answer);
      await page.locator('#send:enabled').waitFor();
    }
    expect(backend.calls.at(-1)?.body).toMatchObject({
      model: 'tiny-large',
      messages: [
        { role: 'user', content: 'One?\nReally?' },
        { role: 'assistant', content: 'First.' },
        { role: 'user', content: 'Two?' },
      ],
    });
  });

  test('lets nothing that a model writes become part of the page', async () => {
    const attack = '<img src=x onerror=alert(1)><script>alert(2)</script>\n\ndata: <b>bold</b>';
    backend.play(reply(attack, { pieces: [attack.slice(0, 20), attack.slice(20)] }));
    await using watched = await openChat(browser());
    const { page } = watched;
    await page.keyboard.type('<u>Hi</u>');
    await page.keyboard.press('Enter');
    await page.locator('#send:enabled').waitFor();
    expect(await said(page)).toEqual(['<u>Hi</u>', attack]);
    expect(await page.locator('main :is(img, script, b, u, i)').count()).toBe(0);
    expect(watched.breaches).toEqual([]);
  });

  test('stops at Escape, lets the backend go, and keeps what came', async () => {
    backend.play([held, reply('Again.')]);
    const { aborted } = backend;
    await using watched = await openChat(browser());
    const { page } = watched;
    await page.keyboard.type('Count!');
    await page.keyboard.press('Enter');
    await last(page, 'One');
    await page.keyboard.press('Escape');
    await page.getByRole('alert').getByText('Stopped.').waitFor();
    await expect.poll(() => backend.aborted, { timeout: 5_000, interval: 5 }).toBe(aborted + 1);
    expect(await focusedId(page)).toBe('prompt');
    await page.keyboard.type('Go on.');
    await page.keyboard.press('Enter');
    await last(page, 'Again.');
    expect(await said(page)).toEqual(['Count!', 'One ', 'Go on.', 'Again.']);
  });

  test('says when an answer breaks off, and when there is none', async () => {
    backend.play(cutAfter(1, 'rst', reply('One two three.')));
    await using watched = await openChat(browser());
    const { page } = watched;
    await page.keyboard.type('Count!');
    await page.keyboard.press('Enter');
    // In the server's own words, which come as an event of the stream.
    await page.getByRole('alert').getByText('The stream broke after content had been delivered.').waitFor();
    expect(await said(page)).toEqual(['Count!', 'One ']);
    const half = 'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n';
    await page.route('**/v1/chat/completions', (route) => route.fulfill({ body: half, contentType: 'text/event-stream' }), { times: 1 });
    await page.getByLabel('Message').fill('And?');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The answer broke off.').waitFor();
    await page.route('**/v1/chat/completions', (route) => route.fulfill({ status: 502, body: '<html>' }));
    await page.getByLabel('Message').fill('And now?');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('alert').getByText('The server answered with status 502.').waitFor();
    expect(await said(page)).toEqual(['Count!', 'One ', 'And?', 'Half', 'And now?']);
  });

  test('asks for a token where the server wants one, and keeps it nowhere', async () => {
    backend.play(reply('Welcome.'));
    await using watched = await openPage(browser(), `${guarded.url}/chat`);
    const { page } = watched;
    await page.getByRole('alert').getByText('A valid bearer token is needed.').waitFor();
    expect(await focusedId(page)).toBe('token');
    await page.keyboard.type(callerToken);
    await page.keyboard.press('Enter');
    await page.locator('#model:enabled').waitFor();
    await page.getByLabel('Message').fill('Hello!');
    await page.keyboard.press('Enter');
    await last(page, 'Welcome.');
    expect(await page.evaluate('document.cookie + JSON.stringify([localStorage, sessionStorage])')).toBe('[{},{}]');
    expect(watched.breaches).toEqual([]);
  });

  test('is used by keyboard alone, and shows where one is', async () => {
    backend.play(reply('Yes.'));
    await using watched = await openChat(browser());
    const { page } = watched;
    await expect.poll(() => focusedId(page)).toBe('prompt');
    await page.keyboard.type('Shift');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('begins a line.');
    expect(await page.getByLabel('Message').inputValue()).toBe('Shift\nbegins a line.');
    const seen: string[] = [];
    for (let step = 0; step < 3; step++) {
      await page.keyboard.press('Shift+Tab');
      seen.push(await focusedId(page));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
      if (seen.at(-1) === 'model') break;
    }
    expect(seen).toEqual(['log', 'model']);
    for (const _ of ['log', 'prompt', 'send']) await page.keyboard.press('Tab');
    expect(await focusedId(page)).toBe('send');
    await page.keyboard.press('Space');
    await last(page, 'Yes.');
  });

  test.each(['light', 'dark'] as const)('fits on 360 px and has nothing that axe objects to, in %s', async (colorScheme) => {
    backend.play(reply(`${'A-long-word-'.repeat(40)} ${'and many words '.repeat(200)}`));
    await using watched = await openChat(browser(), { viewport: { width: 360, height: 640 }, colorScheme });
    const { page } = watched;
    await page.keyboard.type('Speak!');
    await page.keyboard.press('Enter');
    await page.locator('#send:enabled').waitFor();
    expect(await page.evaluate('[document.documentElement.scrollWidth, document.documentElement.scrollHeight]')).toEqual([360, 640]);
    expect(await page.evaluate('Math.round(document.getElementById("stop").getBoundingClientRect().right) <= 360')).toBe(true);
    await page.evaluate(axe.source);
    const violations = await page.evaluate<readonly { readonly id: string }[]>('axe.run().then(({ violations }) => violations)');
    expect(violations.map(({ id }) => id)).toEqual([]);
  });

  test('comes with a policy that knows no inline script and no other server', async () => {
    const { headers } = await fetch(`${open.url}/chat`);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect((await fetch(`${open.url}/server.ts`)).status).toBe(404);
  });
});
