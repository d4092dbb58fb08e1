import { embedInputs, vectorCount, vectorLength } from '../fake/sizes.ts';
import { checkedChat, checkVectors } from './checks.ts';
import { clientOf, cpuPerUnit, measured, repeat, type Scenario, unitsPerSecond } from './scenario.ts';

const chatsAtOnce = 8;
const chats = 300;

export const chat: Scenario = {
  id: 'chat',
  about: `CPU time of the calling process per small chat, ${chatsAtOnce} at once, ${chats} a round`,
  metrics: [{ id: 'cpu', label: 'chat', unit: 'µs CPU', digits: 0, of: cpuPerUnit }],
  warmUpMs: 1_200,
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = (): Promise<void> => checkedChat(() => client.chat());
    // Connections that were closed while others had their turns are opened again.
    await repeat(call, chatsAtOnce * 2, chatsAtOnce);
    return measured(chats, () => repeat(call, chats, chatsAtOnce));
  },
};

const inFlight = 64;
const requests = 400;

export const throughput: Scenario = {
  id: 'throughput',
  about: `small chats per second, ${inFlight} in flight, ${requests} a round, by the clock: the client has one core, the server another`,
  warmUpMs: 300,
  metrics: [{ id: 'rate', label: 'requests/s', unit: '/s', digits: 0, moreIsBetter: true, of: unitsPerSecond }],
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = (): Promise<void> => checkedChat(() => client.chat());
    await repeat(call, inFlight * 2, inFlight);
    return measured(requests, () => repeat(call, requests, inFlight));
  },
};

const embeddings = 8;

export const embed: Scenario = {
  id: 'embed',
  about: `CPU time per call for ${vectorCount} vectors of ${vectorLength} values, one after the other, ${embeddings} a round; the server gives base64 to who asks for it, and floats to all others`,
  metrics: [{ id: 'cpu', label: `embed ${vectorCount}`, unit: 'µs CPU', digits: 0, of: cpuPerUnit }],
  isFor: ({ client }) => client?.embed !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = async (): Promise<void> => checkVectors((await client.embed?.(embedInputs)) ?? []);
    await call();
    return measured(embeddings, () => repeat(call, embeddings, 1));
  },
};
