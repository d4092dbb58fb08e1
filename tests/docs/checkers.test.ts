import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkBlock } from './check-block.ts';
import { byLanguage, type Check } from './checks.ts';
import { blocksOf, type CodeBlock, placeOf } from './code-blocks.ts';
import { root } from './pages.ts';
import { parseBlock } from './parsed-block.ts';
import { commandsIn } from './shell-lines.ts';

// The checks themselves: what is wrong does not get past them.

function block(language: string, code: string, page: string = 'README.md', name: string = ''): CodeBlock {
  return { page, line: 1, language, name, code };
}

const checked = (given: CodeBlock, check: Check = byLanguage[given.language] ?? { as: 'file' }): Promise<void> =>
  checkBlock(given, check, [block('text', 'said\n')]);

const tsupConfig = readFileSync(join(root, 'tsup.config.ts'), 'utf8');

const make = (provider: string): string => `
import { createRouter } from 'inferlane';
const router = createRouter({ providers: { a: ${provider} } });
`;

describe('refused is', () => {
  test.each<[string, CodeBlock, RegExp]>([
    ['an option that there is not', block('ts', make("{ type: 'ollama', devise: 'gpu' }")), /unknown option "devise"/],
    ['a name that nobody gives', block('ts', 'unknownName();'), /unknownName is not defined/],
    ['a failure', block('js', "throw new Error('broken');"), /broken/],
    ['an address that no server was named at', block('ts', "await fetch('http://other.test/a').catch(() => undefined);"), /other\.test/],
    ['a provider that does not answer', block('ts', make("{ type: 'vllm', url: ['http://b', 'test'].join('.') }")), /not available/],
    ['a change that does not run', block('diff', '-const a = 1;\n+const a = unknownName;'), /unknownName is not defined/],
    ['a script that there is not', block('sh', 'npm run no-such-script'), /no script no-such-script/],
    ['a package that nobody knows', block('sh', 'npm install inferlame'), /does not know inferlame/],
    ['a program that nobody can check', block('sh', 'rm -rf /'), /how to check rm/],
    ['a program that is not there', block('sh', 'node examples/none.ts'), /no file examples\/none\.ts/],
    ['a variable that nobody reads', block('sh', 'OLAMA_GPU_URL=http://a node examples/express/server.ts'), /variable OLAMA_GPU_URL/],
    ['a command that there is not', block('sh', 'inferlane answer'), /no command answer/],
    ['an option of a command that there is not', block('sh', 'npx inferlane chat --sream "Hello!"'), /has no --sream/],
    ['a path that nobody answers', block('sh', "curl localhost:8080/v1/chats -d '{}'"), /no route/],
    ['a body that is none', block('sh', "curl localhost:8080/v1/embeddings -d '{a}'"), /JSON/],
    ['a profile that there is not', block('sh', 'docker compose --profile olama up', 'examples/deploy/README.md'), /no profile olama/],
    ['no command at all', block('sh', '# nothing'), /greater than 0/],
    ['what is no JSON', block('json', '{ a: 1 }'), /JSON/],
    ['a configuration with a mistake', block('json', '{ "providers": { "a": { "type": "olama" } } }'), /did you mean "ollama"/],
    ['a metric that there is not', block('promql', 'sum(inferlane_answers_total) > 1'), /inferlane_answers_total/],
    ['a label that there is not', block('promql', 'sum by (caller) (inferlane_requests_total)'), /has no caller/],
    ['a text that nobody said', block('text', 'not said\n'), /no tested block/],
  ])('%s', async (_what, given, message) => {
    await expect(checked(given)).rejects.toThrow(message);
  });

  test.each<[string, CodeBlock, Check, RegExp]>([
    ['a file that is another', block('ts', 'other\n', '', 'examples/routing/private-stays-here.test.ts'), { as: 'file' }, /other/],
    ['a file that is not there', block('ts', 'other\n', '', 'examples/none.ts'), { as: 'file' }, /ENOENT/],
    ['a file that no test names', block('ts', tsupConfig, '', 'tsup.config.ts'), { as: 'file' }, /no test names/],
    ['a text that does not speak of memory', block('text', 'model not found\n'), { as: 'memory' }, /model not found/],
    ['a test that does not name the page', block('text', '', 'docs/none.md'), { as: 'tested', by: 'tests/cli/guide.test.ts' }, /none\.md/],
    ['a test that is not there', block('text', ''), { as: 'tested', by: 'tests/none.test.ts' }, /ENOENT/],
    [
      'a drawing of a folder that there is not',
      block('text', 'a/ b/ c/ d/ e/ core/\n'),
      { as: 'drawing' },
      /arrayContaining|ArrayContaining/,
    ],
    ['a line with other fields', block('json', '{ "a": 1 }'), { as: 'json', like: async () => ({ b: 1 }) }, /deeply equal/],
    [
      'what fails afterwards',
      block('ts', 'const a = 1;'),
      { as: 'program', afterwards: () => Promise.reject(new Error('after')) },
      /after/,
    ],
  ])('%s', async (_what, given, check, message) => {
    await expect(checked(given, check)).rejects.toThrow(message);
  });
});

const page = (text: string) => ({ path: 'a.md', text });

describe('a page has blocks', () => {
  test('by language and name, in lists, and with fences inside of fences', () => {
    const text = '```ts a.ts\nx\n```\n\n- one\n\n  ```sh\n  npm ci\n    two\n  ```\n\n````md\n```ts\ny\n```\n````\n\n~~~\nz\n~~~\n';
    expect(blocksOf(page(text)).map(({ line, language, name, code }) => [line, language, name, code])).toEqual([
      [1, 'ts', 'a.ts', 'x\n'],
      [7, 'sh', '', 'npm ci\n  two\n'],
      [12, 'md', '', '```ts\ny\n```\n'],
      [18, '', '', 'z\n'],
    ]);
    expect(blocksOf(page(text)).map(placeOf)[1]).toBe('a.md:7');
  });

  test('that end', () => {
    expect(() => blocksOf(page('# A\n\n```ts\nx\n'))).toThrow('a.md:3: this block is never closed');
  });
});

test('commands are read as a shell reads them', () => {
  const code = "A=1 B=2 npm ci && npm test # all\n\ncurl localhost:1/a -H 'b: c' \\\n  -d '{\"d\": 1}'\nC=3\n";
  expect(commandsIn(code)).toEqual([
    { variables: ['A', 'B'], words: ['npm', 'ci'] },
    { variables: [], words: ['npm', 'test'] },
    { variables: [], words: ['curl', 'localhost:1/a', '-H', 'b: c', '-d', '{"d": 1}'] },
    { variables: ['C'], words: [] },
  ]);
});

test('of a block is read what it needs', () => {
  const { imports, makes, servers, variables } = parseBlock(`
    import a, { type B, c as d } from 'e';
    const { f, g: [h] } = { f: process.env.F_KEY, g: [process.env['G_URL']] };
    function i() { const j = { type: 'vllm' }; }
    const k = { gpu: { type: 'ollama', url: 'http://l' }, m: { type: 'cpu' }, n: { type: 'remote-gpu' } };
  `);
  expect(imports.map(({ from, name, text }) => [from, name, text])).toEqual([
    ['e', 'a', 'default'],
    ['e', 'B', 'type B'],
    ['e', 'd', 'c as d'],
  ]);
  expect(makes).toEqual(['f', 'h', 'i', 'k']);
  expect(servers.map(({ type, url }) => [type, url])).toEqual([
    ['vllm', 'http://127.0.0.1:8000'],
    ['ollama', 'http://l'],
  ]);
  expect(variables).toEqual(['F_KEY', 'G_URL']);
});
