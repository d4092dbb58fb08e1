import { ask } from './ask.js';

/** The pieces of an answer as they come. */
export async function* pieces(request, signal) {
  const body = JSON.stringify({ ...request, stream: true });
  const response = await ask('/v1/chat/completions', { method: 'POST', body, signal });
  for await (const data of events(response.body)) {
    if (data === '[DONE]') return;
    const { error, choices } = JSON.parse(data);
    if (error) throw new Error(error.message);
    yield choices?.[0]?.delta.content ?? '';
  }
}

/** The data of server-sent events, whatever the network cuts. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('The answer broke off.');
    const whole = (rest + value).split('\n\n');
    rest = whole.pop();
    for (const event of whole) if (event.startsWith('data: ')) yield event.slice(6);
  }
}
