import { embedInputs, vectorCount, vectorLength } from '../fake/sizes.ts';
import { checkedChat, checkVectors } from './checks.ts';
import { kilobytesPerUnit, measuredWithGarbage } from './garbage.ts';
import { clientOf, countedMs, cpuPerUnit, leadInMs, measured, measuredForAWhile, type Scenario, unitsPerSecond } from './scenario.ts';

const chatsAtOnce = 8;
/** The collector takes 100 ms at a time of those who leave much to it: a shorter round has all of that or nothing. */
const chatsMs = 200;

export const chat: Scenario = {
  id: 'chat',
  about: `CPU time of the calling process per small chat, ${chatsAtOnce} at once, for ${chatsMs} ms a round, after ${leadInMs} ms that are not counted, and the memory that it takes from the heap of JavaScript and leaves to the collector`,
  metrics: [
    { id: 'cpu', label: 'chat', unit: 'µs CPU', digits: 0, of: cpuPerUnit },
    { id: 'garbage', label: 'garbage of a chat', unit: 'KB', digits: 1, of: kilobytesPerUnit },
  ],
  // For inferlane's path of a chat compilers need more than a second of CPU time.
  warmUpMs: 3_000,
  warmUpUnits: 30_000,
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = (): Promise<void> => checkedChat(() => client.chat());
    return measuredForAWhile(call, chatsAtOnce, chatsMs, subject.candidate.hasGateway ? measured : measuredWithGarbage);
  },
};

const inFlight = 64;

export const throughput: Scenario = {
  id: 'throughput',
  about: `small chats per second, ${inFlight} in flight, for ${countedMs} ms a round, after ${leadInMs} ms that are not counted, by the clock: the client has one core, the server another`,
  // Whatever was compiled for 8 at once and their connections is compiled again for 64.
  warmUpMs: 2_000,
  roundsOfFour: 3,
  metrics: [{ id: 'rate', label: 'requests/s', unit: '/s', digits: 0, moreIsBetter: true, of: unitsPerSecond }],
  isFor: ({ client }) => client !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = (): Promise<void> => checkedChat(() => client.chat());
    return measuredForAWhile(call, inFlight);
  },
};

export const embed: Scenario = {
  id: 'embed',
  about: `CPU time per call for ${vectorCount} vectors of ${vectorLength} values, one after the other, for ${countedMs} ms a round, after ${leadInMs} ms that are not counted; the server gives base64 to who asks for it, and floats to all others`,
  // Of inferlane over `fetch` the first calls take four times as long as the hundredth.
  warmUpMs: 1_000,
  roundsOfFour: 3,
  metrics: [{ id: 'cpu', label: `embed ${vectorCount}`, unit: 'µs CPU', digits: 0, of: cpuPerUnit }],
  isFor: ({ client }) => client?.embed !== undefined,
  async run(subject) {
    const client = clientOf(subject);
    const call = async (): Promise<void> => checkVectors((await client.embed?.(embedInputs)) ?? []);
    return measuredForAWhile(call, 1);
  },
};
