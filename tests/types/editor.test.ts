import { beforeAll, describe, expect, test } from 'vitest';
import { type Editor, editorOf, withSortedUnions } from './compiler.ts';

// What an editor shows of the types, which is where most people meet them first.

const code = `
import { createRouter, type Router } from 'inferlane';

const router = createRouter({
  providers: { gpu: { type: 'ollama' }, cloud: { type: 'openai', apiKey: 'k' } },
  models: { 'llama3.1': { gpu: 'llama3.1:8b', '': '' } },
  intents: { private: { maxLocality: 'host' } },
});
void router.chat({ model: /* model */ '', messages: [{ role: /* role */ '', content: 'Hello!' }] });
void router.stream({ messages: [] }, { provider: /* provider */ '', without: [/* without */ ''], intent: /* intent */ '' });
void router.embed({ model: /* embedder */ '', input: 'a' });
router.on('failover', ({ from, to }) => void [from, to]);
router.on(/* event */ '', () => undefined);

declare const any: Router;
void any.stream({ model: 'x', messages: [] });
`;

let editor: Editor;
beforeAll(() => {
  editor = editorOf(code);
}, 60_000);
const suggestions = (name: string): readonly string[] =>
  editor.suggestions(code.slice(code.indexOf(`/* ${name} */`)).slice(name.length + 7));

describe('suggestions', { timeout: 60_000 }, () => {
  test.each([
    ['model', ['llama3.1']],
    ['embedder', ['llama3.1']],
    ['provider', ['gpu', 'cloud']],
    ['without', ['gpu', 'cloud']],
    ['intent', ['private', 'fast', 'heavy']],
    ['role', ['system', 'developer', 'user', 'assistant', 'tool']],
  ])('for %s are those of the options', (name, names) => {
    expect(suggestions(name).toSorted()).toEqual(names.toSorted());
  });

  test('for an event are the names of all', () => {
    expect(suggestions('event')).toContain('failover');
  });

  test('for an alias are the ids of the providers', () => {
    expect(editor.suggestions(`'': ''`)).toEqual(['cloud', 'gpu']);
  });
});

test('types read as what they are', { timeout: 60_000 }, () => {
  const shown = [
    'router = ',
    'chat({',
    'stream({',
    'model: /* model',
    'from, to }) =>',
    `on('failover'`,
    'any: Router',
    `stream({ model: 'x'`,
  ];
  expect(shown.map((at) => withSortedUnions(editor.hover(at))).join('\n')).toMatchInlineSnapshot(`
    "const router: Router<"cloud" | "gpu", "llama3.1" | (string & {}), "fast" | "heavy" | "private">
    (method) Router<"cloud" | "gpu", "llama3.1" | (string & {}), "fast" | "heavy" | "private">.chat(request: ChatRequest<"llama3.1" | (string & {})>, options?: CallOptions<"cloud" | "gpu", "fast" | "heavy" | "private"> | undefined): Promise<ChatCompletion> (+1 overload)
    (method) Router<"cloud" | "gpu", "llama3.1" | (string & {}), "fast" | "heavy" | "private">.stream(request: ChatRequest<"llama3.1" | (string & {})>, options?: CallOptions<"cloud" | "gpu", "fast" | "heavy" | "private"> | undefined): Promise<ChatStream>
    (property) ChatRequest<"llama3.1" | (string & {})>.model?: "llama3.1" | (string & {}) | undefined
    (parameter) from: "cloud" | "gpu"
    (method) Router<"cloud" | "gpu", "llama3.1" | (string & {}), "fast" | "heavy" | "private">.on<"failover">(name: "failover", listener: Listener<"failover", "cloud" | "gpu">): Router<"cloud" | "gpu", "llama3.1" | (string & {}), "fast" | "heavy" | "private">
    const any: Router<string, string, string>
    (method) Router<string, string, string>.stream(request: ChatRequest<string>, options?: CallOptions<string, string> | undefined): Promise<ChatStream>"
  `);
});
