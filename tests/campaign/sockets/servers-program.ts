import { type BackendFacts, type Log, openBackend } from './backend.ts';
import { openDoors, openRecorder } from './doors.ts';

// The servers of the campaign, in a process of their own. The parent says what they are, asks for the log, and ends them by leaving.

/** What the parent sends: first the servers that it wants, then, as often as it likes, the wish for a report. */
export type Wish = { readonly backends: readonly BackendFacts[] } | 'report';

export interface Ready {
  /** Addresses, in the order of the servers asked for. */
  readonly urls: readonly string[];
  /** Addresses where nobody answers, by the name of the kind. */
  readonly doors: Readonly<Record<string, string>>;
}

export interface ServersReport extends Log {
  /** Connections to where redirects lead. */
  readonly followed: number;
  /** What the process itself complained of; a server that broke proves nothing. */
  readonly complaints: readonly string[];
}

const log: Log = { visits: new Map(), injected: new Map(), wrongCredentials: 0, strangers: 0, planted: new Set() };
const complaints: string[] = [];
let followed = 0;

for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (error: unknown) => void complaints.push(String(error).slice(0, 300)));
}
process.on('disconnect', () => process.exit());
process.on('message', (wish: Wish) => {
  if (wish === 'report') process.send?.({ ...log, followed, complaints } satisfies ServersReport);
  else void open(wish.backends);
});

async function open(backends: readonly BackendFacts[]): Promise<void> {
  const elsewhere = await openRecorder(() => (followed += 1));
  const urls = await Promise.all(backends.map((facts) => openBackend(facts, elsewhere, log)));
  const doors = await openDoors((kind) => log.injected.set(kind, (log.injected.get(kind) ?? 0) + 1));
  process.send?.({ urls, doors } satisfies Ready);
}
