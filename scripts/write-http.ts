import { answerHeaders, callHeaders, requestIdHeaders } from '../src/http/call-headers.ts';
import { deniedFields } from '../src/http/denied-fields.ts';
import { handlerDefaults, loopbackHosts } from '../src/http/handler-options.ts';
import { fieldsLeftOut, fieldsRefused } from '../src/http/openai-request.ts';
import type { Access, Route } from '../src/http/route.ts';
import { routes } from '../src/http/routes.ts';
import { type ServerField, typesThatTake } from '../src/http/server-fields.ts';
import { checks, clients, notAsked, versions } from '../tests/judges/matrix.ts';
import { table } from './markdown-table.ts';

// The page of the HTTP handler, from the tables that it reads itself.

/** What each route is for; a row without a sentence, and a sentence without a row, is a mistake. */
const purposes: Readonly<Record<string, string>> = {
  'POST /v1/chat/completions': "OpenAI's chats, whole or streamed",
  'POST /v1/completions': "OpenAI's older completions, whole or streamed",
  'POST /v1/embeddings': "OpenAI's embeddings, as floats or base64",
  'GET /v1/models': 'what may be asked for: aliases first',
  'GET /v1/models/{id}': 'one of them',
  'POST /v1/messages': "Anthropic's messages, whole or streamed",
  'POST /v1/messages/count_tokens': 'an estimate that asks nobody',
  'POST /api/chat': "Ollama's chats, streamed unless told otherwise",
  'POST /api/generate': "Ollama's texts, streamed unless told otherwise",
  'POST /api/embed': "Ollama's embeddings",
  'POST /api/show': 'what is known of a model',
  'GET /api/tags': "Ollama's list of models",
  'GET /api/version': 'the version of the API that is spoken',
  'POST /generate': 'a text from a prompt, in two dialects',
  'POST /api/query': 'a text from a prompt, with a flag in place of an error',
  'POST /chat': 'a text from a message',
  'GET /': 'what this is',
  'GET /healthz': 'the process is there',
  'GET /readyz': '200 where somebody can answer, else 503',
  'GET /api/v1/backend/status': 'view `backend-status`',
  'GET /health/gpu-providers': 'view `gpu-providers`',
  'GET /models': 'view `models`',
  'GET /models/{id}/health': 'view `model-health`',
  'GET /v1/health/inference': 'view `inference`',
  'GET /metrics': 'figures for Prometheus, where `metrics` is set',
  'GET /admin': 'the admin page, which holds no data',
  'GET /admin/app.js': 'its script',
  'GET /admin/app.css': 'its style',
  'GET /admin/api/state': 'what it shows',
  'GET /admin/api/events': 'events as they happen',
  'POST /admin/api/settings': 'changes settings and credentials',
  'POST /admin/api/unpin': 'forgets pins',
  'POST /admin/api/close-circuit': 'closes breakers',
  'POST /admin/api/test-provider': 'asks one provider',
  'POST /admin/api/test-failover': 'asks without each provider',
  'POST /admin/api/playground': 'the plan beside the answer',
};

const whoMay: Readonly<Record<Access, string>> = {
  public: 'anybody; without a token up or down only',
  caller: 'a token, or this machine where none is set',
  admin: 'the admin token, and `x-inferlane-admin: 1` to write',
};

function guardsOf({ isLimited, method }: Route): string {
  const guards = [
    'host',
    ...(method === 'POST' ? ['origin'] : []),
    ...(method === 'POST' ? ['body'] : []),
    ...(isLimited ? ['limits'] : []),
  ];
  return guards.join(', ');
}

function routeRows(): string[][] {
  const named = routes.map((route) => `${route.method} ${route.path}`);
  const stray = Object.keys(purposes).filter((each) => !named.includes(each));
  if (stray.length > 0) throw new Error(`no such route: ${stray.join(', ')}`);
  return routes.map((route) => {
    const name = `${route.method} ${route.path}`;
    const purpose = purposes[name];
    if (purpose === undefined) throw new Error(`no sentence for ${name}`);
    return [
      `\`${name}\``,
      purpose,
      route.path.startsWith('/admin') && route.access === 'public' ? 'anybody' : whoMay[route.access],
      guardsOf(route),
    ];
  });
}

/** Where else a field comes from. */
const serverFields: Readonly<Record<ServerField, string>> = {
  top_k: "OpenAI's bodies; Anthropic's `top_k`, which Anthropic gets as well; Ollama's `options.top_k`",
  min_p: "OpenAI's bodies; Ollama's `options.min_p`",
  repetition_penalty: "OpenAI's bodies; Ollama's `options.repeat_penalty`; `POST /generate`",
  chat_template_kwargs: "OpenAI's chats",
  verbosity: "OpenAI's chats",
};

function serverFieldRows(): string[][] {
  return Object.entries(serverFields).map(([field, from]) => [
    `\`${field}\``,
    from,
    typesThatTake(field as ServerField)
      .map((type) => `\`${type}\``)
      .join(', '),
  ]);
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function judgeRows(): string[][] {
  return clients.map((client) => [
    `\`${client}\` ${versions[client]}`,
    ...checks.map((check) => (notAsked[client]?.[check] === undefined ? 'tested' : '–')),
  ]);
}

function reasons(): string {
  return clients
    .flatMap((client) => Object.entries(notAsked[client] ?? {}).map(([check, reason]) => `\`${client}\`, ${check}: ${reason}.`))
    .join(' ');
}

export function httpPage(): string {
  const defaults = Object.entries(handlerDefaults).map(([name, value]) => [
    `\`${name}\``,
    typeof value === 'string' ? `'${value}'` : value.toLocaleString('en'),
  ]);
  return `<!-- Written by scripts/write-reference.ts. -->

# The HTTP handler

\`createHandler(router, options)\` of \`inferlane/http\` answers requests of the web's own kind, wherever they come from; \`toNodeListener(handler)\`
puts it behind \`node:http\`, Express and Fastify. This page is written from the tables that the handler reads. Paths are compared as they stand:
no case, no doubled or trailing slash is overlooked, and what is not here is 404.

## Routes

${table(['Route', 'What', 'Who may ask', 'Checked beside the token'], routeRows())}
- **host**: ${loopbackHosts.map((host) => `\`${host}\``).join(', ')} and the names in \`hosts\`; any other is 403, with a valid token as well. Where no token is set,
  only requests of this machine to a loopback host are answered.
- **origin**: a page may call from the server's own origin or one of \`origins\`, else 403. What is no browser sends no origin.
- **body**: \`application/json\`, not compressed, within \`maxBodyBytes\` as its bytes are counted and \`bodyTimeoutMs\`, 64 levels deep; else 400, 408, 413, 415.
- **limits**: \`maxConcurrent\`, \`maxConcurrentPerCaller\`, \`maxPerMinute\`; beyond them 429 with \`Retry-After\`.

Tokens come as \`Authorization: Bearer …\` or \`x-api-key\`, never in the address; every wrong one is the same 401. The admin page is off unless
\`admin\` is set, and takes its own token in \`Authorization\` only.

## Headers

A request says how it is routed: ${Object.values(callHeaders)
    .map((name) => `\`${name}\``)
    .join(', ')}. Naming a provider that is paid is no consent over HTTP unless
\`mayNamePaid\` says so. \`x-request-id\` names the call in events and logs where it is 1 to 64 letters, digits and dashes.

An answer says how it was routed: ${Object.values(answerHeaders)
    .map((name) => `\`${name}\``)
    .join(', ')}. Nothing of a provider's own headers comes through.
The id of the request is also where the official clients look for it: ${codes(Object.values(requestIdHeaders))}.

## Streams

The head of a stream comes with its first content, not before: until then another provider can take over unseen, and a failure is a status
with a body that every client understands, not an event behind a 200. So a slow model is silence. What stands between and cuts silence (many
proxies do after 60 s) must wait longer than \`firstTokenMs\` of all attempts together, or the router be told to wait less. No pings are sent,
then or later: silence between two pieces ends with \`idleMs\`.

What breaks a stream after its head is told in the API's own error frame, and the terminator does not come.

## Fields of a request

Bodies are read as the official document of each API has them, with what its usual clients send beyond it. A field is carried, or left out
because it asks nothing of the answer, or refused with 400 that names it: \`unsupported_parameter\` where nobody who may answer could be told
it, \`unknown_parameter\` where no API has it. \`extra\` in OpenAI's bodies carries fields of one type of provider:
\`{ "extra": { "vllm": { "best_of": 2 } } }\`. In Ollama's, options that are not named here go to servers of Ollama only.

Some fields are known to many servers and not to all. They reach those who have a word for them, under that word; where the one who answered
has none, \`${answerHeaders.ignored}\` names them.

${table(['Field', 'From', 'Types that take it'], serverFieldRows())}
Left out of OpenAI's chats: ${codes(Object.keys(fieldsLeftOut))}; marks for caches anywhere; and what
clients keep beside earlier answers (\`annotations\`, \`parsed\`, \`reasoning_details\`, \`thinking_blocks\`, \`provider_specific_fields\`).

Refused there: ${codes(Object.keys(fieldsRefused))}; and embeddings of token numbers, which mean something to one
model only (in LangChain for Python, \`check_embedding_ctx_length=False\` sends texts).

To think less is a wish, and to think a need: a model that cannot think answers where \`reasoning_effort\` is \`none\`, Anthropic's \`thinking\` is
disabled or Ollama's \`think\` is false, and is not asked where any other effort is.

## Fields that are refused everywhere

Where a call goes, and with whose key, is never up to a body. At any depth but in what is the caller's own (schemas, arguments, texts):
${deniedFields.map((name) => `\`${name}\``).join(', ')}.

## Defaults

${table(['Option', 'Default'], defaults)}
## Judges

The official clients, against a handler as people run it, in \`tests/judges\`:

${table(['Client', ...checks], judgeRows())}
${reasons()}
`;
}
