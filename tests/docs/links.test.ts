import { describe, expect, test } from 'vitest';
import { headingsOf, slugOf } from '../../docs/.vitepress/headings.ts';
import { linksIn } from '../../docs/.vitepress/markdown-links.ts';
import { deadLinks, swallowedTexts } from './page-faults.ts';
import { pages } from './pages.ts';

test('every link of every page leads to a file and a heading that there are', () => {
  expect(pages.flatMap(({ text }) => linksIn(text)).length).toBeGreaterThan(200);
  expect(pages.flatMap(deadLinks)).toEqual([]);
});

test('no page holds a tag that is swallowed', () => {
  expect(pages.flatMap(swallowedTexts)).toEqual([]);
});

test('every page begins with its title, and has no other', () => {
  const others = pages.filter(({ text }) => headingsOf(text).filter(({ level }) => level === 1).length !== 1);
  expect(others.map(({ path }) => path)).toEqual(['docs/files/[file].md']);
});

/** A page that is nowhere, in a folder that there is. */
const page = (text: string) => ({ path: 'docs/guides/none.md', text });

describe('a fault is found:', () => {
  test.each([
    ['[a](nowhere.md)', 'is not there'],
    ['![a](../images/none.png)', 'is not there'],
    ['[a](routing.md#no-such-heading)', 'has no such heading'],
    ['[a](#none)', 'has no such heading'],
    ['[a](../reference/config.schema.json#providers)', 'only pages have headings'],
    ['[a](/guides/routing.md)', 'begins at the root'],
    ['[a](../../docs/reference/api/index.md)', 'is '],
    ['[a]: nowhere.md', 'is not there'],
    ['<img src="none.png">', 'is not there'],
    ['[a](http://)', 'is no address'],
  ])('%s', (text, fault) => {
    expect(deadLinks(page(`# T\n\n${text}\n`))).toEqual([expect.stringContaining(fault)]);
  });

  test.each(['providers.<name>.url', 'a <think> block', 'a {{ b }}'])('%s', (text) => {
    expect(swallowedTexts(page(`# T\n\n${text}\n`))).toHaveLength(1);
  });
});

describe('no fault is', () => {
  test.each([
    '[a](routing.md#lanes-and-queues)',
    '[a](#t)',
    '[a](../../examples/express/README.md)',
    '[a](../../examples/next/app/api/llm/%5B...path%5D/route.ts)',
    '<https://example.com>',
    '`[a](nowhere.md)` and `<name>`',
    '```md\n[a](nowhere.md) <name>\n```',
    '<!-- [a](nowhere.md) -->',
    'a<br>b',
  ])('%s', (text) => {
    const given = page(`# T\n\n${text}\n`);
    expect([...deadLinks(given), ...swallowedTexts(given)]).toEqual([]);
  });
});

test('anchors are those of GitHub', () => {
  const words = [
    'What a call costs',
    'The format of `priority`, `nvidia`, `together_ai` and `cpu`',
    'A notebook’s GPU',
    '4.0 [Doc](a.md) – b',
  ];
  expect(words.map((text) => headingsOf(`# ${text}\n`)[0]?.anchor)).toEqual([
    'what-a-call-costs',
    'the-format-of-priority-nvidia-together_ai-and-cpu',
    'a-notebooks-gpu',
    '40-doc--b',
  ]);
  expect(headingsOf('# A\n\n## B\n\n```sh\n# no heading\n```\n\n## B\n').map(({ anchor }) => anchor)).toEqual(['a', 'b', 'b-1']);
  expect(slugOf('Größe & Ä')).toBe('größe--ä');
});
