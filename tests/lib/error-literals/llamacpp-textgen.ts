import { type ErrorLiteral, says } from './row.ts';

const error = (code: number, message: string, type: string): object => ({ error: { code, message, type } });
const unavailable = (message: string): object => error(503, message, 'unavailable_error');
const server = (message: string): object => error(500, message, 'server_error');
const invalid = (message: string): object => error(400, message, 'invalid_request_error');

const noImages = 'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj';
const contextFull = 'Context size has been exceeded.';
const echoedMessages = '[\n  {\n    "role": "user",\n    "content": "why does CUDA say out of memory?"\n  }\n]';

const table: ErrorLiteral[] = [
  says('loading', 503, unavailable('Loading model'), 'model_loading'),
  says('no slot', 503, unavailable('no slot available'), 'overloaded'),
  says(
    'prompt beyond the context',
    400,
    error(400, 'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it', 'exceed_context_size_error'),
    'context_length',
  ),
  says(
    'embedding input beyond the context',
    400,
    error(400, 'input (9000 tokens) is larger than the max context size (8192 tokens). skipping', 'exceed_context_size_error'),
    'context_length',
  ),
  says(
    'embedding input beyond the batch',
    500,
    server('input (700 tokens) is too large to process. increase the physical batch size (current batch size: 512)'),
    'context_length',
  ),
  // The table gives two classes. The cells are shared by all requests and a later try may fit, hence its columns of "overloaded".
  says('cells used up', 500, server(contextFull), 'overloaded'),
  says('cells used up, in the stream', 'stream', server(contextFull), 'overloaded'),
  says('GPU compute failure', 500, server('Compute error.'), 'unavailable'),
  says('GPU compute failure, in the stream', 'stream', server('Compute error.'), 'unavailable'),
  says('GPU compute failure, exception', 500, server('got exception: x'), 'unavailable'),
  says('auth', 401, error(401, 'Invalid API Key', 'authentication_error'), 'auth'),
  says('unknown path', 404, error(404, 'File Not Found', 'not_found_error'), 'bad_response'),
  says('router: unknown model', 400, invalid("model 'x' not found"), 'model_not_found'),
  says('router: not loaded', 400, invalid('model is not loaded'), 'model_not_found'),
  says('router: no model field', 400, invalid('model name is missing from the request'), 'bad_request'),
  // No word of memory, but the table pins the model, as only out of memory does.
  says('router: child failed', 500, server('model name=x failed to load'), 'out_of_memory'),
  says('router: capacity', 500, server('model limit reached, try again later'), 'overloaded'),
  says(
    'embeddings off',
    501,
    error(501, 'This server does not support embeddings. Start it with `--embeddings`', 'not_supported_error'),
    'unsupported',
  ),
  says(
    'metrics off',
    501,
    error(501, 'This server does not support metrics endpoint. Start it with `--metrics`', 'not_supported_error'),
    'unsupported',
  ),
  says('disabled feature', 403, { error: { message: 'this feature is disabled', type: 'feature_disabled' } }, 'unsupported'),
  says('malformed JSON', 500, server('[json.exception.parse_error.101] parse error at line 1, column 2: syntax error'), 'bad_request'),
  says('schema and grammar', 500, server('Cannot use both json_schema and grammar'), 'bad_request'),
  says('tools without jinja', 500, server('tools param requires --jinja flag'), 'unsupported'),
  says('tool choice without jinja', 500, server('tool_choice param requires --jinja flag'), 'unsupported'),
  says('image without mmproj', 500, server(noImages), 'unsupported'),
  says('more choices than slots', 400, invalid("Field 'n': Value must be between 1 <= value <= 4, but got 5"), 'unsupported'),
  says('no messages', 400, invalid("'messages' is required"), 'bad_request'),
  says('bad format', 400, invalid('response_format type must be one of "text" or "json_object", but got: x'), 'bad_request'),
  says('grammar and tools', 400, invalid('Cannot use custom grammar constraints with tools.'), 'bad_request'),
  says('logprobs and tools', 400, invalid('logprobs is not supported with tools + stream'), 'bad_request'),
];

/** Seen on the wire of real servers, beyond the table. */
const recorded: ErrorLiteral[] = [
  says('no messages, Anthropic route', 500, server("'messages' is required"), 'bad_request'),
  says('bad schema', 400, invalid('Unable to generate parser for this template. Automatic parser generation failed: x'), 'bad_request'),
  says(
    'bad temperature',
    400,
    invalid("Field 'temperature': [json.exception.type_error.302] type must be number, but is string"),
    'bad_request',
  ),
  says('bad type', 400, invalid("Expected 'messages' to be an array"), 'bad_request'),
  says('chat on an embedding model', 500, server('the current context does not logits computation. skipping'), 'unsupported'),
  says(
    '2025: chat on an embedding model',
    501,
    error(501, 'This server does not support completions. Start it without `--embeddings`', 'not_supported_error'),
    'unsupported',
  ),
  says(
    '2025: embedding without pooling',
    400,
    invalid("Pooling type 'none' is not OAI compatible. Please use a different pooling type"),
    'unsupported',
  ),
  says('2025: embedding input too long', 500, server('input is too large to process. increase the physical batch size'), 'context_length'),
  says(
    '2025: bad type',
    500,
    server('Failed to parse messages: Expected \'messages\' to be an array, got "hi"; messages = "hi"'),
    'bad_request',
  ),
  says(
    '2025: image',
    500,
    server(`Failed to parse messages: Unsupported content part type: "image_url"; messages = ${echoedMessages}`),
    'unsupported',
  ),
  says('2025: request quoted', 500, server(`Failed to parse messages: x; messages = ${echoedMessages}`), 'bad_request'),
  says('2025: no messages', 500, server("[json.exception.out_of_range.403] key 'messages' not found"), 'bad_request'),
  says('2025: tools with stream', 500, server('Cannot use tools with stream'), 'unsupported'),
  says('2025: several choices', 500, server('Only one completion choice is allowed'), 'unsupported'),
];

export const llamacpp: readonly ErrorLiteral[] = [...table, ...recorded];

export const textgen: readonly ErrorLiteral[] = [
  says(
    'invalid request',
    400,
    { error: { message: 'messages is required', type: 'invalid_request_error', param: 'messages', code: null } },
    'bad_request',
  ),
  says('pydantic', 422, { detail: [{ type: 'missing', loc: ['body', 'messages'], msg: 'Field required', input: {} }] }, 'bad_request'),
  // The reason stands only in the server's own console, also where it is memory.
  says('any crash', 500, 'Internal Server Error', 'unavailable', { 'content-type': 'text/plain; charset=utf-8' }),
  says(
    'embedding model cannot load',
    503,
    { error: { message: 'Error: Failed to load embedding model: x', type: 'server_error' } },
    'model_not_found',
  ),
  // "oom-suspect" with the columns of "oom": nothing else fails over without counting.
  says('load endpoint failed', 500, { detail: 'Failed to load the model.' }, 'out_of_memory'),
  says('auth', 401, { detail: 'Unauthorized' }, 'auth'),
  says(
    'n>1 with stream',
    400,
    { error: { message: 'n > 1 is not supported with streaming.', type: 'invalid_request_error', param: 'n', code: null } },
    'unsupported',
  ),
  says('unknown path', 404, { detail: 'Not Found' }, 'bad_response'),
  says('Host header not allowed', 400, { detail: 'Invalid host header' }, 'bad_request'),
];

export const remoteGpu: readonly ErrorLiteral[] = [
  says('missing prompt', 500, 'Internal Server Error', 'unavailable', { 'content-type': 'text/plain; charset=utf-8' }),
  says('not JSON', 422, { detail: [{ type: 'json_invalid', loc: ['body', 13], msg: 'JSON decode error', input: {} }] }, 'bad_request'),
  says('CUDA OOM, opaque', 500, 'Internal Server Error', 'unavailable', { 'content-type': 'text/plain; charset=utf-8' }),
];
