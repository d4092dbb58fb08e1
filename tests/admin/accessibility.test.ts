import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { RouterError } from '../../src/index.ts';
import { describeInChromium } from './chromium.ts';
import { openDesk, openPage, openScene, type Scene, token } from './scene.ts';

const dead = new RouterError('unavailable', 'gpu-box-in-the-cellar cannot be reached.', { phase: 'connect' });
const long = 'a-model-with-a-name-that-goes-on-and-on-and-on-instruct-2512-q4_k_m.gguf';

/** A night with something of everything. */
async function troubled(): Promise<Scene<'gpu-box-in-the-cellar' | 'cpu' | 'spare'>> {
  const resident = [{ id: long, sizeBytes: 42e9 }];
  const scene = await openScene({
    'gpu-box-in-the-cellar': { device: 'gpu', does: { failure: dead, load: { resident } } },
    cpu: { device: 'cpu', maxConcurrent: 1, metadata: { room: 'cellar' } },
    spare: { enabled: false },
  });
  return scene;
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`);
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

interface Focused {
  readonly name: string;
  readonly hasOutline: boolean;
  readonly isInDialog: boolean;
  /** The whole page, or its content: it takes the focus only so that reading goes on there. */
  readonly isWhole: boolean;
}

const focused = (page: Page): Promise<Focused> =>
  page.evaluate(`(() => {
    const each = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    const label = each.getAttribute('aria-label') ?? each.labels?.[0]?.textContent ?? each.textContent;
    return { name: label.trim(), hasOutline: outlineStyle !== 'none' && outlineWidth !== '0px', isInDialog: each.closest('dialog') !== null, isWhole: each.matches('body, main') };
  })()`);

/** Goes on by the tab key until this has the focus. Everything on the way shows that it has it. */
async function tabTo(page: Page, name: string | RegExp, key = 'Tab'): Promise<void> {
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press(key);
    const found = await focused(page);
    if (typeof name === 'string' ? found.name === name : name.test(found.name)) return expect(found.hasOutline).toBe(true);
    if (!found.isWhole) expect(`${found.name}: ${found.hasOutline}`).toBe(`${found.name}: true`);
  }
  throw new Error(`The tab key never came to ${String(name)}.`);
}

describeInChromium('the page for everybody', (browser) => {
  test.each([
    ['light', 1440],
    ['light', 360],
    ['dark', 1440],
    ['dark', 360],
  ] as const)('has nothing that axe finds, in %s at %i px, and no line is too long', async (colorScheme, width) => {
    await using scene = await troubled();
    await using watched = await openPage(browser(), scene.url, { colorScheme, viewport: { width, height: 900 } });
    const { page } = watched;
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Admin token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByText('live', { exact: true }).waitFor();
    for (let call = 0; call < 6; call++) await scene.router.chat({ model: long, messages: [{ role: 'user', content: 'Hello!' }] });
    await page
      .getByText(/^A call moves from/)
      .first()
      .waitFor();
    scene.providers['gpu-box-in-the-cellar'].does.sick = dead;
    await page.getByLabel('What is wrong').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole('button', { name: 'Test failover' }).click();
    await page.getByRole('button', { name: 'Test now' }).click();
    await page.getByText(/^Without cpu: nobody/).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    for (const summary of await page.locator('summary').all()) await summary.click();
    await page.getByLabel(/^Attempts of a call/).fill('many');
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('What to ask').fill('Hello!');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('The answer is complete.').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    expect(watched.breaches).toEqual([]);
  });

  test('moves nothing where that is not wanted', async () => {
    await using scene = await troubled();
    await using watched = await openDesk(browser(), scene.url, { reducedMotion: 'reduce' });
    const moving = `Array.from(document.querySelectorAll('*'), (each) => getComputedStyle(each))
      .filter(({ transitionDuration, animationName, scrollBehavior }) => transitionDuration !== '0s' || animationName !== 'none' || scrollBehavior === 'smooth').length`;
    expect(await watched.page.evaluate(moving)).toBe(0);
  });

  test('can be used by the keyboard alone: login, a change, a prompt', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {} });
    await using watched = await openPage(browser(), scene.url);
    const { page } = watched;
    await page.getByLabel('Admin token').waitFor();
    expect((await focused(page)).name).toBe('Admin token');
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'gpu', exact: true }).waitFor();
    await tabTo(page, 'Settings');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Order and load ratio' }).waitFor();
    await tabTo(page, 'Weight of gpu');
    await page.keyboard.type('4');
    await page.keyboard.press('Enter');
    await page.getByText('Saved: Weight of gpu.').waitFor();
    await tabTo(page, /Move up cpu/, 'Tab');
    await page.keyboard.press('Enter');
    expect((await focused(page)).name).toMatch(/Move up cpu, 1 of 2$/);
    await tabTo(page, 'Playground', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await tabTo(page, 'What to ask');
    await page.keyboard.type('Hello!');
    await page.keyboard.press('Control+Enter');
    await page.getByText('The answer is complete.').waitFor();
    expect((await scene.router.health()).providers.find(({ provider }) => provider === 'gpu')?.weight).toBe(4);
  });

  test('has moved the focus to another part before the next key can come', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const holder = await watched.page.evaluate(`new Promise((resolve) => {
      addEventListener('hashchange', () => resolve(document.activeElement.id));
      location.hash = 'playground';
    })`);
    expect(holder).toBe('content');
  });

  test('keeps the focus in a dialog, and gives it back', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    await tabTo(page, 'Test failover');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    for (let step = 0; step < 6; step++) {
      expect(Object.entries(await focused(page))).toContainEqual([expect.stringMatching(/isInDialog|isWhole/), true]);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect((await focused(page)).name).toBe('Test failover');
    // A press that comes at once counts too: what a dialog leaves behind does not close the next one.
    for (let time = 0; time < 12; time++) {
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await tabTo(page, 'Close');
      await page.keyboard.press('Enter');
      await page.locator('dialog').waitFor({ state: 'detached' });
      expect((await focused(page)).name).toBe('Test failover');
    }
  });

  test('has no trap: the tab key comes to the end of each part and begins anew', async () => {
    await using scene = await openScene({ gpu: {}, cpu: {} });
    await using watched = await openDesk(browser(), scene.url);
    const { page } = watched;
    for (const part of ['Overview', 'Playground', 'Settings']) {
      await page.getByRole('link', { name: part, exact: true }).click();
      await tabTo(page, 'Skip to the content');
      await page.keyboard.press('Enter');
      expect((await focused(page)).name).toBe(part);
    }
    expect(await page.locator('[tabindex]:not([tabindex="0"]):not([tabindex="-1"])').count()).toBe(0);
  });
});
