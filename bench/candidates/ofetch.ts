import { ofetch } from 'ofetch';
import {
  type Answer,
  chatPath,
  contentOf,
  type Embedded,
  embedPath,
  firstThatAnswers,
  messages,
  readBody,
  streamBody,
  vectorsOf,
} from './by-hand.ts';
import { type Candidate, versionsOf } from './candidate.ts';

const chat = async (url: string): Promise<string> =>
  contentOf(await ofetch<Answer>(url + chatPath, { method: 'POST', body: { model: 'quick', messages } }));
const once = async (url: string): Promise<string> =>
  contentOf(await ofetch<Answer>(url + chatPath, { method: 'POST', body: { model: 'quick', messages }, retry: 0 }));

export async function bareOfetch(): Promise<Candidate> {
  return {
    packages: versionsOf('ofetch'),
    given: 'the same over `ofetch`; for failover a loop with `retry: 0`',
    open: (url) => ({
      chat: () => chat(url),
      async stream(name, onText, signal) {
        const body = JSON.parse(streamBody(name)) as Record<string, unknown>;
        const options = { method: 'POST', body, responseType: 'stream' as const, ...(signal && { signal }) };
        const stream = await ofetch<ReadableStream<Uint8Array>, 'stream'>(url + chatPath, options);
        await readBody(stream as ReadableStream<Uint8Array>, onText);
      },
      async embed(input) {
        const body = { model: 'quick', input };
        return vectorsOf(await ofetch<Embedded>(url + embedPath, { method: 'POST', body }));
      },
    }),
    failover: (first, second) => () => () => firstThatAnswers([first, second], once),
  };
}
