import { describe, expect, test } from 'vitest';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { callersOwn, deniedExtras, deniedFields, refuseDeniedFields } from '../../src/http/denied-fields.ts';
import { HttpRefusal } from '../../src/http/failure.ts';
import { routes } from '../../src/http/routes.ts';
import { adminToken, ask, front, inner, refusalIn, token } from './handler-kit.ts';

const evil = 'http://evil.example:1/steal';

function paramOf(body: unknown): string | undefined {
  try {
    refuseDeniedFields(body);
    return undefined;
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    expect(error.refusal).toMatchObject({ status: 400, code: 'field_not_allowed' });
    expect(error.message).not.toContain(evil);
    return error.refusal.param;
  }
}

/** One field in every place where a body has room for it. */
const places = (field: string): [string, unknown][] => [
  [field, { [field]: evil }],
  [`messages[0].${field}`, { messages: [{ role: 'user', content: 'x', [field]: evil }] }],
  [`messages[1].content[0].${field}`, { messages: [{}, { content: [{ type: 'text', text: 'x', [field]: evil }] }] }],
  [`messages[0].content[0].image_url.${field}`, { messages: [{ content: [{ image_url: { url: 'x', [field]: evil } }] }] }],
  [`messages[0].tool_calls[0].function.${field}`, { messages: [{ tool_calls: [{ function: { name: 'f', [field]: evil } }] }] }],
  [`tools[0].${field}`, { tools: [{ type: 'function', [field]: evil }] }],
  [`tools[0].function.${field}`, { tools: [{ function: { name: 'f', [field]: evil } }] }],
  [`extra.${field}`, { extra: { [field]: evil } }],
  [`extra.vllm.${field}`, { extra: { vllm: { [field]: { deep: evil } } } }],
  [`options.${field}`, { options: { num_ctx: 1, [field]: evil } }],
  [`response_format.${field}`, { response_format: { type: 'json_schema', [field]: evil } }],
  [`response_format.json_schema.${field}`, { response_format: { json_schema: { name: 's', [field]: evil } } }],
  [`stream_options.${field}`, { stream_options: { [field]: null } }],
  [`a[0][0][0].b.${field}`, { a: [[[{ b: { [field]: [] } }]]] }],
];

describe.each(deniedFields.map((field) => [field]))('%s', (field) => {
  test('is found wherever it stands', () => {
    for (const [path, body] of places(field)) expect(paramOf(body)).toBe(path);
  });

  test('is found however it is spelt', () => {
    const camel = field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const spelt = [field.toUpperCase(), camel, field.replaceAll('_', '-'), field.replaceAll('_', ''), `_${field}`, `${field}_`];
    for (const name of spelt) expect(paramOf({ extra: { [name]: evil } })).toBe(`extra.${name}`);
  });

  test("passes in the caller's own data, where nobody reads it", () => {
    for (const own of callersOwn) {
      expect(paramOf({ [own]: { [field]: evil, properties: { [field]: { type: 'string' } } } })).toBeUndefined();
      expect(paramOf({ messages: [{ tool_calls: [{ function: { [own]: { [field]: evil } } }] }] })).toBeUndefined();
    }
    expect(paramOf({ messages: [{ content: `{"${field}": "${evil}"}` }] })).toBeUndefined();
  });

  test('is refused by every route that reads a body', async () => {
    for (const route of routes) {
      if (route.body !== 'json') continue;
      const { handler, behind } = front({ tokens: [token], admin: { token: adminToken, options: { providers: {} } } });
      const authorization = `Bearer ${route.access === 'admin' ? adminToken : token}`;
      const body = JSON.stringify({ model: 'm', extra: { openai: { [field]: evil } } });
      const response = await ask(handler, { method: 'POST', path: route.path, headers: { authorization, 'x-inferlane-admin': '1' }, body });
      const text = await response.text();
      expect(response.status, route.path).toBe(400);
      expect(text).toContain(`extra.openai.${field}`);
      expect(text).not.toContain('evil');
      expect(behind.fakes[inner.provider].calls).toHaveLength(0);
    }
  });
});

describe('in extra', () => {
  test('another model, another question, more answers, addresses, code and prices are denied', () => {
    const model = 'adapter_id draft_model lora lora_path model model_id models';
    const question = 'input inputs max_completion_tokens max_tokens messages n prompt stream tools';
    const addresses = 'bootstrap_host bootstrap_port bootstrap_room kv_transfer_params mcp_servers plugins provider route';
    const code = 'chat_template chat_template_str custom_logit_processor instruction_template_str';
    const price = 'inference_geo service_tier';
    expect(deniedExtras.join(' ')).toBe([model, question, addresses, code, price].join(' ').split(' ').toSorted().join(' '));
  });

  test.each(deniedExtras.map((field) => [field]))('%s is refused, for each type of provider and however it is spelt', (field) => {
    const camel = field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    for (const name of [field, field.toUpperCase(), camel, field.replaceAll('_', '-')]) {
      expect(paramOf({ extra: { vllm: { top_k: 1 }, ollama: { [name]: evil } } })).toBe(`extra.ollama.${name}`);
    }
  });

  test('what says how a model answers passes, and so do the same names elsewhere', () => {
    const body = { model: 'm', messages: [], max_tokens: 1, n: 1, stream: true, tools: [], prompt: 'x', input: 'x' };
    expect(paramOf({ ...body, extra: { vllm: { top_k: 1, guided_regex: 'a' }, ollama: { options: { model: 'x' } } } })).toBeUndefined();
  });

  test.each(['me\u017f\u017fages', '\u{1d526}nput', 'mod\u0000el', 'mod\u00adel'])(
    'a name with letters of other alphabets is refused: %j',
    (name) => {
      expect(paramOf({ extra: { ollama: { [name]: evil } } })).toBe('extra.ollama.*');
    },
  );

  test.each(['/v1/chat/completions', '/v1/completions', '/v1/embeddings'])('another model never reaches a provider by %s', async (path) => {
    const { handler, behind } = front();
    const asked = { messages: [{ role: 'user', content: 'x' }], prompt: 'x', input: 'x' };
    const body = JSON.stringify({ model: 'm', ...asked, extra: { custom: { Model: 'dearer-model' } } });
    const refusal = await refusalIn(await ask(handler, { method: 'POST', path, body }));
    expect(refusal).toMatchObject({ status: 400, code: 'field_not_allowed', param: 'extra.custom.Model' });
    expect(refusal.text).not.toContain('dearer');
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });
});

test("a tool's schema and arguments reach the provider with names that are denied elsewhere", async () => {
  const { handler, behind } = front({}, { does: 'yes', fake: { capabilities: allCapabilities } });
  const parameters = { type: 'object', properties: { endpoint: { type: 'string' }, headers: { type: 'object' }, api_key: {} } };
  const tools = [{ type: 'function', function: { name: 'call_api', parameters } }];
  const body = JSON.stringify({ model: inner.model, messages: [{ role: 'user', content: 'Hello!' }], tools });
  expect((await ask(handler, { method: 'POST', path: '/v1/chat/completions', body })).status).toBe(200);
  expect(behind.fakes[inner.provider].calls[0]?.request).toMatchObject({ tools });
});

test('a name that a caller made up does not stand in the answer', async () => {
  const odd = '<script>alert(1)</script>';
  const body = JSON.stringify({ extra: { [odd]: { ['x'.repeat(500)]: { proxy: evil } } } });
  const refusal = await refusalIn(await ask(front().handler, { method: 'POST', path: '/v1/chat/completions', body }));
  expect(refusal).toMatchObject({ status: 400, code: 'field_not_allowed', param: 'extra.*.*.proxy' });
  expect(refusal.text).not.toContain('script');
});

test.each([null, 1, 'api_key', [], ['api_key'], { a: 'api_key' }, { keys: [] }, { proxying: 1 }])(
  'there is nothing to refuse in %j',
  (body) => {
    expect(paramOf(body)).toBeUndefined();
  },
);
