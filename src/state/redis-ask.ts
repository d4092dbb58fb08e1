import type { Clock } from '../lib/clock.ts';
import type { RedisClient } from './redis-client.ts';
import { faultWord, isMissingScript, storeFault } from './redis-faults.ts';
import type { Script } from './redis-scripts.ts';

/** Runs a script and gives its list. @throws {Error} whose text begins with one word for what is wrong and names no host, user or key. */
export type Ask = (script: Script, keys: readonly string[], values: readonly (string | number)[]) => Promise<readonly unknown[]>;

export interface AskOptions {
  /** Undefined where there is no connection. */
  ready(): RedisClient | undefined;
  /** Why there is none, in one word. */
  fault(): string;
  /** Called when an answer has not come for so long that the connection is worth nothing. */
  onUnanswered(): void;
  readonly clock: Clock;
}

/** Far above what a script takes, and above every limit that is set on asking. */
const unansweredMs = 1_000;

/** Asks under way; beyond it a server that does not answer would fill the memory. */
const mostAsks = 64;

export function createAsk({ ready, fault, onUnanswered, clock }: AskOptions): Ask {
  let underWay = 0;
  return async (script, keys, values) => {
    const client = ready();
    if (client === undefined) throw storeFault(fault(), 'There is no connection to the shared store.');
    if (underWay >= mostAsks) throw storeFault('BUSY', 'The shared store has too many questions to answer already.');
    underWay++;
    const cancel = clock.schedule(unansweredMs, onUnanswered);
    try {
      const answer = await run(client, script, { keys: [...keys], arguments: values.map(String) });
      if (Array.isArray(answer)) return answer as readonly unknown[];
    } catch (error) {
      const isThere = ready() === client;
      throw storeFault(faultWord(error, isThere ? 'ERR' : fault()), 'The shared store has not done what it was asked.');
    } finally {
      cancel();
      underWay--;
    }
    throw storeFault('ERR', 'The shared store has not answered with a list.');
  };
}

/** By its checksum; a server that has been restarted or flushed is given the text once. */
async function run(client: RedisClient, { sha, text }: Script, options: { keys: string[]; arguments: string[] }): Promise<unknown> {
  try {
    return await client.evalSha(sha, options);
  } catch (error) {
    if (!isMissingScript(error)) throw error;
    return client.eval(text, options);
  }
}
