/** How a question is put: one answer at the end, or piece by piece. */
export type Form = 'chat' | 'stream';

/** What became of one case, as the caller lived it. `verdictWords` says what each word means. */
export type Verdict =
  | 'answered'
  | 'typed error'
  | 'stopped'
  | 'untyped'
  | 'partial as success'
  | 'duplicated'
  | "stranger's answer"
  | 'swallowed'
  | 'sent again'
  | 'keeps asking'
  | 'left running'
  | 'hang'
  | 'leak'
  | 'not run';

export const verdictWords: Readonly<Record<Verdict, string>> = {
  answered: 'the whole answer of one server, and nothing else',
  'typed error': 'an error of a class of its own, so that a program can tell it from a bug; text delivered before it is a true beginning',
  stopped: 'the call ended at once and the server saw the connection close within 50 ms (the median of five)',
  untyped: 'a bare `Error`, `TypeError` or `SyntaxError`, or a value that is no error',
  'partial as success': 'the call ended well, with text that is empty, cut or has a hole',
  duplicated: 'text of two servers, or the same text twice, in one answer',
  "stranger's answer": 'the answer came from a host that was never configured',
  swallowed: 'took the whole bomb into memory and gave it out as an answer',
  'sent again': 'a mistake of the caller was sent more than once, or to the next server too',
  'keeps asking': 'answered, but the server known to be out was asked more often than allowed; the number says how often',
  'left running': 'the connection stayed open longer than 50 ms after the caller had left, or another request followed',
  hang: 'nothing at all when the patience was over',
  leak: 'a key or the prompt in an error, in what was printed, or at a host that was never configured',
  'not run': 'the fault never reached the candidate: the run is void',
};

export type Kind =
  /** One call; the text decides. */
  | 'call'
  /** The caller's own mistake: one request, one typed error. */
  | 'mistake'
  /** Every server fails, with a secret in its words. */
  | 'secret'
  /** The caller's signal aborts in the middle. */
  | 'abort'
  /** The caller breaks out of the loop in the middle. */
  | 'leave'
  /** `calls` calls one after the other, all answered, while the first server is asked `asks` times at most. */
  | 'repeat';

export interface Case {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  readonly kind: Kind;
  readonly forms: readonly Form[];
  /** Decided before anything was run. */
  readonly expected: readonly Verdict[];
  readonly calls: number;
  readonly asks: number;
  /** Runs with nothing beside it: it measures milliseconds or fills the memory. */
  readonly alone: boolean;
}

const both: readonly Form[] = ['chat', 'stream'];
const usual = { kind: 'call', forms: both, expected: ['answered'], calls: 1, asks: 1, alone: false } as const;

function group(name: string, shared: Partial<Case>, rows: readonly (readonly [id: string, title: string, own?: Partial<Case>])[]): Case[] {
  return rows.map(([id, title, own]) => ({ ...usual, ...shared, ...own, id, title, group: name }));
}

/** Every fault of the wall. The first server has it; the second is in good health unless the title says otherwise. */
export const cases: readonly Case[] = [
  ...group('Nothing wrong (the rig itself)', {}, [['healthy', 'both servers in good health']]),
  ...group('No answer', {}, [
    ['refused', 'connection refused'],
    ['reset', 'reset before the headers'],
    ['closed', 'closed cleanly before the headers'],
    ['not-http', 'speaks another protocol'],
    ['hang-before-headers', 'silent before the headers'],
    ['hang-after-headers', 'silent after the headers'],
    ['dribble', 'one byte every 300 ms'],
    ['header-1mb', 'a header of 1 MB'],
  ]),
  ...group('A status', {}, [
    ['500', '500'],
    ['502-page', "502 with a proxy's page"],
    ['503', '503'],
    ['503-loading', '503, still loading the model'],
    ['529', '529, overloaded'],
    ['429-2', '429, Retry-After: 2'],
    ['429-30', '429, Retry-After: 30'],
    ['401', '401'],
    ['404-model', '404, no such model'],
    ['oom', '500, CUDA out of memory'],
    ['302', '302 to another host'],
    ['307', '307 to another host'],
  ]),
  ...group('200, and no answer in it', {}, [
    ['html', 'a web page'],
    ['empty', 'an empty body'],
    ['error-object', 'an error object'],
    ['json-cut', 'JSON cut in the middle, clean end', { forms: ['chat'] }],
    ['json-reset', 'JSON cut in the middle, connection closed', { forms: ['chat'] }],
    ['no-choices', '`choices: []`', { forms: ['chat'] }],
    ['bomb', '128 KB of gzip that become 128 MB', { alone: true }],
  ]),
  ...group('A stream that fails before its first content', { forms: ['stream'] }, [
    ['first-event-error', 'an error as the first event'],
    ['early-reset', 'reset after the role'],
    ['early-end', 'clean end after the role'],
    ['early-done', '`[DONE]` and nothing else'],
    ['preamble', 'pings for ever'],
  ]),
  ...group('A stream that fails in the middle', { forms: ['stream'], expected: ['typed error', 'answered'] }, [
    ['middle-reset', 'reset'],
    ['middle-closed', 'connection closed within the body'],
    ['middle-end', 'clean end without a terminator'],
    ['middle-stall', 'silence'],
    ['middle-malformed', 'an event that is not JSON'],
    ['middle-error', 'an error event'],
    ['middle-half-event', 'closed within an event'],
  ]),
  ...group('The caller', { expected: ['stopped'], alone: true }, [
    ['mistake', '400: not sent again, not sent on', { kind: 'mistake', expected: ['typed error'], alone: false }],
    ['abort-waiting', 'aborts while nothing has come', { kind: 'abort' }],
    ['abort-reading', 'aborts in the middle of a stream', { kind: 'abort', forms: ['stream'] }],
    ['leave', '`break` in the middle of a stream', { kind: 'leave', forms: ['stream'] }],
  ]),
  ...group('Both servers fail', { expected: ['typed error'] }, [
    ['both-refused', 'both refuse connections'],
    ['both-500', 'both say 500'],
    ['key-echo', '401 that repeats the key', { kind: 'secret' }],
    ['prompt-echo', '500 that repeats the prompt', { kind: 'secret' }],
  ]),
  ...group('What is remembered', { kind: 'repeat' }, [
    ['dead-20', 'dies after 2 calls; 20 more (asked at most 5 times)', { calls: 22, asks: 7 }],
    ['limited-5', '429, Retry-After: 30; 5 calls (asked once)', { calls: 5 }],
    ['key-5', '401; 5 calls (asked once)', { calls: 5 }],
    ['oom-2', 'out of memory; 2 calls (asked once)', { calls: 2 }],
  ]),
];
