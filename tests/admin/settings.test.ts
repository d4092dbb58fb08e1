import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { loopback } from '../_kit/loopback.ts';
import { describeInChromium } from './chromium.ts';
import { openDesk, openScene } from './scene.ts';

async function openSettings(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings', exact: true }).click();
  await page.getByRole('heading', { name: 'Order and load ratio' }).waitFor();
}

/** Each body that was posted, parsed. */
function patchesOf(page: Page): unknown[] {
  const patches: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/settings')) patches.push(JSON.parse(request.postData() ?? ''));
  });
  return patches;
}

const order = async (page: Page): Promise<string[]> => page.locator('.order-rows b').allTextContents();

describeInChromium('the settings', (browser) => {
  test('send what was changed and nothing else, and show what the router made of it', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const patches = patchesOf(page);
    await openSettings(page);
    const form = page.getByRole('form', { name: 'settings of the router' });
    await form.getByLabel('Balance').selectOption('weighted');
    await form.getByLabel(/^Attempts of a call/).fill('2');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Saved: Balance and Attempts of a call, at most.').waitFor();
    await form.getByLabel(/^Attempts of a call/).fill('');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Saved: Attempts of a call, at most.').waitFor();
    expect(await form.getByLabel(/^Attempts of a call/).inputValue()).toBe('3');
    expect(patches).toEqual([{ balance: 'weighted', maxAttempts: 2 }, { maxAttempts: null }]);
    expect((await scene.router.health()).balance).toBe('weighted');
  });

  test('say what is wrong, keep what was typed, and undo it', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const patches = patchesOf(page);
    await openSettings(page);
    const form = page.getByRole('form', { name: 'settings of the router' });
    const attempts = form.getByLabel(/^Attempts of a call/);
    await attempts.fill('many');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Something that was typed is wrong.').waitFor();
    await form.getByText('Attempts of a call, at most must be a number.').waitFor();
    expect(await attempts.getAttribute('aria-invalid')).toBe('true');
    expect(patches).toEqual([]);
    await attempts.fill('0');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText(/has kept those that it had\. maxAttempts /).waitFor();
    expect(await attempts.inputValue()).toBe('0');
    await form.getByRole('button', { name: 'Undo' }).click();
    expect(await attempts.inputValue()).toBe('3');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Nothing was changed.').waitFor();
  });

  test('change order and load ratio', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {}, spare: { enabled: false } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const patches = patchesOf(page);
    await openSettings(page);
    const form = page.getByRole('form', { name: 'order and load ratio' });
    expect(await order(page)).toEqual(['gpu', 'cpu', 'spare']);
    await form.getByRole('button', { name: /^↑ ?Move up cpu/ }).click();
    expect(await order(page)).toEqual(['cpu', 'gpu', 'spare']);
    await form.getByLabel('Weight of cpu').fill('3');
    await form.getByText('75% by weight').waitFor();
    await form.getByText('25% by weight').waitFor();
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText(/^Saved: /).waitFor();
    expect(patches).toEqual([{ providers: { cpu: { priority: 0, weight: 3 }, gpu: { priority: 1 }, spare: { priority: 2 } } }]);
    const { providers } = await scene.router.health();
    expect(providers.map(({ provider, priority, weight }) => [provider, priority, weight])).toEqual([
      ['cpu', 0, 3],
      ['gpu', 1, 1],
    ]);
  });

  test('change a provider, and switch it off and on', async () => {
    await using scene = await openScene({ gpu: { metadata: { room: 'lab 2' } }, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('link', { name: 'Settings of gpu' }).click();
    const form = page.getByRole('form', { name: 'settings of gpu' });
    await page.getByText('lab 2').waitFor();
    await form.getByLabel('Device').selectOption('gpu');
    await form.getByLabel('Default model').fill('qwen3-8b');
    await form.getByLabel(/^Calls at once/).fill('2');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Saved: Device, Calls at once, at most and Default model.').waitFor();
    const [gpu] = (await scene.router.health()).providers;
    expect(gpu).toMatchObject({ provider: 'gpu', device: 'gpu', defaultModel: 'qwen3-8b' });
    await form.getByLabel('Switched on').selectOption('false');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('switched off').locator('visible=true').waitFor();
    expect(scene.router.snapshot().providers.map(({ provider }) => provider)).toEqual(['cpu']);
    await form.getByLabel('Switched on').selectOption('true');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => scene.router.snapshot().providers.length).toBe(2);
  });

  test('change an intent and make another', async () => {
    await using scene = await openScene({ gpu: { device: 'gpu' }, cpu: { device: 'cpu' } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const patches = patchesOf(page);
    await openSettings(page);
    await page.getByText('fast', { exact: true }).locator('visible=true').first().click();
    const fast = page.getByRole('form', { name: 'intent fast' });
    await fast.getByLabel('Order').fill('cpu, gpu = remote');
    await fast.getByLabel('Time to first token, ms').fill('2500');
    await fast.getByRole('button', { name: 'Save' }).click();
    await fast.getByText('Saved: Order and Time to first token, ms.').waitFor();
    const another = page.getByRole('form', { name: 'new intent' });
    await another.getByLabel('New intent').fill('night');
    await another.getByLabel('Its order').fill('cpu');
    await another.getByRole('button', { name: 'Make this intent' }).click();
    await another.getByText('There is an intent night now.').waitFor();
    expect(patches).toEqual([
      { intents: { fast: { order: ['cpu', ['gpu', 'remote']], timeouts: { firstTokenMs: 2_500 } } } },
      { intents: { night: { order: ['cpu'] } } },
    ]);
    const plan = scene.router.explain({ messages: [{ role: 'user', content: 'x' }] }, { intent: 'night' });
    expect(plan.candidates.map(({ provider }) => provider)).toEqual(['cpu', 'gpu']);
  });

  test('replace and remove a key, which is shown nowhere', async () => {
    await using server = await loopback(() => ({
      headers: { 'content-type': 'application/json' },
      pieces: ['{"object":"list","data":[]}'],
    }));
    await using scene = await openScene({ box: { type: 'vllm', url: server.url, apiKey: 'the-old-key-of-the-box' }, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const read: string[] = [];
    page.on('response', (response) => {
      if (/state|settings/.test(response.url()))
        response.text().then(
          (text) => read.push(text),
          () => undefined,
        );
    });
    const sent = (): unknown => server.requests.at(-1)?.headers['authorization'];
    await page.getByRole('link', { name: 'Settings of box' }).click();
    const form = page.getByRole('form', { name: 'key of box' });
    await form.getByText('A key is set. It cannot be shown.').waitFor();
    await form.getByLabel('New key').fill('the-new-key-of-the-box');
    await form.getByRole('button', { name: 'Replace key' }).click();
    await form.getByText('The new key is in its place.').waitFor();
    expect(await form.getByLabel('New key').inputValue()).toBe('');
    await expect.poll(sent).toBe('Bearer the-new-key-of-the-box');
    await form.getByRole('button', { name: 'Remove key' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await form.getByText('A key is set. It cannot be shown.').waitFor();
    await form.getByRole('button', { name: 'Remove key' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove key' }).click();
    await form.getByText('No key is set.').waitFor();
    await expect.poll(sent).toBe(undefined);
    expect(read.length).toBeGreaterThan(1);
    expect(read.join('') + (await page.content())).not.toMatch(/the-(?:old|new)-key/);
  });

  test('what is typed is still there after a look at the overview, and follows nobody', async () => {
    await using scene = await openScene({ gpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await openSettings(page);
    const attempts = page.getByLabel(/^Attempts of a call/);
    await attempts.fill('2');
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
    await openSettings(page);
    expect(await attempts.inputValue()).toBe('2');
  });
});
