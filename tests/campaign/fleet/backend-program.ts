import type { ServerResponse } from 'node:http';
import { answerQuestions } from '../_kit/program.ts';
import { jsonType, kindsHeard, sendText, serveParts } from '../_kit/node-server.ts';
import { machineMs } from './machine-time.ts';

// The providers of all members, in a process of its own: `main` does what it is told, `spare` answers. It is the oracle of the campaign:
// nobody but the backend sees the calls of all processes. `main-alone` and `spare-alone` are for the routers without a store.

/** `held`: calls stay open until they are let go. */
export type Doing = 'well' | 'failing' | 'held';

/** One call that came in. Times are of the machine. */
export interface Visit {
  readonly member: number;
  readonly atMs: number;
  /** Undefined while it is under way. */
  endedMs: number | undefined;
  ok: boolean | undefined;
}

export type BackendQuestion =
  | { readonly ask: 'where' }
  /** What `main` does from now on, and how long it takes for it. */
  | { readonly ask: 'be'; readonly doing: Doing; readonly slowMs: number }
  /** Keeps the visits to `main` of the shared routers from now on; those of before are forgotten. */
  | { readonly ask: 'watch' }
  | { readonly ask: 'visits' }
  /** Answers what is held for one member, well or with a failure. */
  | { readonly ask: 'let-go'; readonly member: number; readonly ok: boolean }
  /** The kinds of canaries that have come in. */
  | { readonly ask: 'kinds' };

export interface BackendReply {
  readonly url?: string;
  readonly visits?: readonly Visit[];
  readonly kinds?: readonly string[];
}

/** Far more than a play has. */
const mostVisits = 20_000;
/** Of each part; looking at all of them would tell no more. */
const lookedAt = 20;

const choices = [{ index: 0, message: { role: 'assistant', content: 'well' }, finish_reason: 'stop' }];
const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 };
const answer = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'tiny', choices, usage });
const failure = JSON.stringify({ error: { message: 'It is broken.', type: 'server_error' } });

const visits: Visit[] = [];
const held = new Map<number, { readonly response: ServerResponse; readonly visit: Visit }[]>();
const kinds = new Set<string>();
const looked = new Map<string, number>();
let isWatching = false;
let main: { doing: Doing; slowMs: number } = { doing: 'well', slowMs: 0 };

const { port } = await serveParts(({ request, response, part, body }) => {
  const before = looked.get(part) ?? 0;
  looked.set(part, before + 1);
  if (before < lookedAt) for (const kind of kindsHeard({ request, body })) kinds.add(kind);
  if (part.startsWith('spare')) return sendText(response, jsonType, answer);
  const visit: Visit = { member: Number(request.headers['x-member']), atMs: machineMs(), endedMs: undefined, ok: undefined };
  if (isWatching && part === 'main' && visits.length < mostVisits) visits.push(visit);
  const { doing, slowMs } = main;
  response.on('close', () => {
    visit.endedMs ??= machineMs();
    visit.ok ??= false;
  });
  if (doing === 'held') held.set(visit.member, [...(held.get(visit.member) ?? []), { response, visit }]);
  else if (slowMs === 0) reply(response, visit, doing === 'well');
  else setTimeout(() => reply(response, visit, doing === 'well'), slowMs);
});

function reply(response: ServerResponse, visit: Visit, ok: boolean): void {
  if (response.destroyed) return;
  Object.assign(visit, { endedMs: machineMs(), ok });
  sendText(response, jsonType, ok ? answer : failure, ok ? 200 : 500);
}

answerQuestions<BackendQuestion, BackendReply>((question) => {
  switch (question.ask) {
    case 'where':
      return { url: `http://127.0.0.1:${port}` };
    case 'be':
      main = question;
      return {};
    case 'watch':
      isWatching = true;
      visits.length = 0;
      return {};
    case 'visits':
      return { visits };
    case 'let-go':
      for (const { response, visit } of held.get(question.member) ?? []) reply(response, visit, question.ok);
      held.delete(question.member);
      return {};
    case 'kinds':
      return { kinds: [...kinds] };
  }
});
