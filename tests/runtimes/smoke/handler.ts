import { createHandler } from 'inferlane/http';
import { withRouter } from './calls.ts';
import { type Check, same, seenAt, untilSeen } from './ground.ts';

// The entry `/http`: a handler between web requests and a router.

function asked(body: object): Request {
  return new Request('http://localhost/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer a-token-of-this-check' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello!' }], ...body }),
  });
}

const options = { tokens: ['a-token-of-this-check'] };

const answer: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const response = await createHandler(router, options)(asked({}));
    same('the status', response.status, 200);
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    same('the text', choices[0]?.message.content, 'Hello from the good one.');
  });

const stream: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const response = await createHandler(router, options)(asked({ stream: true }));
    same('the type', response.headers.get('content-type')?.split(';')[0], 'text/event-stream');
    const events = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
    same('the last event', events.at(-1), 'data: [DONE]');
    const chunks = events
      .slice(0, -1)
      .map((line) => JSON.parse(line.slice('data: '.length)) as { choices: { delta: { content?: string } }[] });
    same('the text', chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'Hello from the good one.');
  });

const leave: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.endless } }, async (router) => {
    const before = await seenAt(ground, 'endless');
    const response = await createHandler(router, options)(asked({ stream: true }));
    const reader = response.body?.getReader();
    same('the end of the first piece', (await reader?.read())?.done, false);
    await reader?.cancel();
    await untilSeen(ground, 'endless', before, { calls: 1, aborted: 1 });
  });

const refused: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const response = await createHandler(router, { tokens: ['another-token-of-this-check'] })(asked({}));
    same('the status', response.status, 401);
  });

export const handlerChecks: Readonly<Record<string, Check>> = {
  '/http: chat': answer,
  '/http: stream': stream,
  '/http: a caller who leaves': leave,
  '/http: a wrong token': refused,
};
