import { describe, expect, test } from 'vitest';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { callersOwn, deniedFields, refuseDeniedFields } from '../../src/http/denied-fields.ts';
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
