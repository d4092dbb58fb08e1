import { expect, test } from 'vitest';
import { RouterError } from '../../src/index.ts';
import { describeInChromium } from './chromium.ts';
import { openDesk, openScene } from './scene.ts';

const dead = new RouterError('unavailable', 'gpu cannot be reached.', { phase: 'connect' });

describeInChromium('the playground', (browser) => {
  test('shows the plan first, the answer as it comes, and the route after it', async () => {
    await using scene = await openScene({
      gpu: { device: 'gpu', does: { failure: dead } },
      cpu: { device: 'cpu', does: { pieces: ['It ', 'goes ', 'on.'], firstMs: 300, pieceMs: 300 } },
    });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('What to ask').fill('Does it go on?');
    await page.getByRole('button', { name: 'Send' }).click();
    const plan = page.locator('ol.plan');
    await plan.getByText('gpu').first().waitFor();
    expect(await plan.locator('b').allTextContents()).toEqual(['gpu', 'cpu']);
    expect(await page.locator('.route').count()).toBe(0);
    await page.getByText('The answer is being written.').waitFor();
    await page.locator('.answer').getByText('It', { exact: true }).waitFor();
    await page.getByText('The answer is complete.').waitFor();
    expect(await page.locator('.answer').textContent()).toBe('It goes on.');
    const route = await page.locator('.route').textContent();
    expect(route).toMatch(/^cpu answered/);
    expect(route).toContain('unavailable');
    expect(scene.providers.cpu.prompts).toEqual(['Does it go on?']);
    expect(watched.breaches).toEqual([]);
  });

  test('sends what was chosen, and leaves out what was not', async () => {
    await using scene = await openScene({ gpu: { does: { models: [{ id: 'qwen3-8b' }] } }, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    const sent: unknown[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/playground')) sent.push(JSON.parse(request.postData() ?? ''));
    });
    await page.getByRole('link', { name: 'Playground' }).click();
    const form = page.getByRole('form', { name: 'prompt' });
    await form.getByLabel('What to ask').fill('Hello!');
    await form.getByLabel('Tokens, at most').fill('');
    await form.getByRole('button', { name: 'Send' }).click();
    await page.getByText('The answer is complete.').waitFor();
    await form.getByLabel('Intent').selectOption('heavy');
    await form.getByLabel('Provider').selectOption('gpu');
    await form.getByLabel('Model').fill('qwen3-8b');
    await form.getByLabel('Tokens, at most').fill('some');
    await form.getByRole('button', { name: 'Send' }).click();
    await form.getByText('a whole number, 1 at least').waitFor();
    await form.getByLabel('Tokens, at most').fill('64');
    await form.getByRole('button', { name: 'Send' }).click();
    await page.getByText(/^Intent heavy, balance/).waitFor();
    expect(sent).toEqual([{ prompt: 'Hello!' }, { prompt: 'Hello!', model: 'qwen3-8b', intent: 'heavy', provider: 'gpu', maxTokens: 64 }]);
  });

  test('can be stopped, and the provider hears of it', async () => {
    await using scene = await openScene({ gpu: { does: { pieces: Array.from({ length: 500 }, (_, index) => `${index} `), pieceMs: 50 } } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('What to ask').fill('Count.');
    await page.getByLabel('What to ask').press('Control+Enter');
    await page.locator('.answer').getByText(/0 1 2/).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('You stopped it.').waitFor();
    await expect.poll(() => scene.router.snapshot().inFlight).toBe(0);
  });

  test('says why nobody answered', async () => {
    await using scene = await openScene({ gpu: { does: { failure: dead } } });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('What to ask').fill('Hello!');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('The call failed.').waitFor();
    await page
      .locator('.playground .problem')
      .getByText(/cannot be reached/)
      .waitFor();
  });
});
