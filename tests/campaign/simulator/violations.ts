/** The invariants that a simulation is held against, each with what it says. */
export const invariants = {
  'settles once': 'every accepted request has exactly one end, and its caller one answer',
  'ends by its deadline': 'a request settles at its deadline at the latest, 50 ms of grace',
  'attempts within budget':
    'no more attempts than maxAttempts, one hedge, and four dead connections replaced in silence within one attempt',
  'no call to who is out': 'no attempt on what is open, resting, disabled, missing or pinned',
  'one probe': 'one probe at a time while half-open, and 1, 2, 4, 8 calls at once after it',
  recovers: 'with healthy servers and time every breaker closes, by one call each',
  'own faults open nothing': 'aborts, deadlines without contact, refused requests and listeners move no breaker towards open',
  counters: 'calls in flight are what the events say, never below 0, and 0 in the end',
  'retry budget': 'a provider whose tokens are used up gets first attempts only',
  'last attempt at the best': 'the last attempt of a call goes to no provider that has failed while one is free that never has',
  'text of one answer': 'what is delivered is the beginning of one answer, byte by byte; another one begins only behind a notice',
  'whole before its end': 'a normal end means that the server had said its last word, and that all of it was delivered',
  'nobody else after content': 'once content was delivered, nobody else is asked, unless the caller chose so',
  'order of events': 'start, attempts numbered without gaps, one end each, one end of all, nothing after it',
  'abort at once': 'an abort settles the call, starts nothing, delivers nothing, and closes what is open within 50 ms',
  'closes what it opened': 'a call upstream is closed within 50 ms of the end of its attempt',
  'nothing left': 'after close no timer, no call upstream, nothing in flight',
  'signals as before': "the caller's signals have no listener left",
  'timers that hold': 'no delay is NaN, below 0 or above 2^31 - 1',
  'no secrets': 'no key, prompt or answer in an event, an error, a route or a snapshot',
  'own credentials only': 'each server gets its own key, no other, and no host is asked that was not configured',
  'health moves no breaker': 'breakers move with attempts alone, whatever health checks and explanations say',
  'answered where possible': 'a request that a healthy provider could have answered in time is answered',
  'no cost without consent': 'nothing goes to a paid provider unless it is allowed',
  'no farther than allowed': 'nothing goes beyond the nearest of the limits of router, intent and call',
  'calls at once': 'no provider has more calls than its slots, nor heavy ones in those that are reserved',
  'no wait beside a free slot': 'whenever nothing moves, no call waits for a slot that is free for it, nor was turned away from one',
  'waits once': 'a call enters and leaves queues by turns, and while it waits, or after its end, nothing else happens to it',
  'waits as long as it may': 'queues are as long as they may be, and a wait too; who is turned away had no place, or no time',
  'first come, first served': 'within a lane nobody goes before whoever came first, and of two lanes whoever has the better claim',
  'saturated is no failure': 'who finds no slot moves no breaker, and takes no token',
  'shares by weight': 'where all are well and free, nobody is ever more than one call away from its share',
  'pins end for a reason': 'a pin ends with an answer, with news of the memory, or because somebody said so',
  'told apart': 'each fault gets the code it should have',
} as const;

export type Invariant = keyof typeof invariants;
export const invariantNames = Object.keys(invariants) as readonly Invariant[];

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
  readonly atMs: number;
}

export type Complain = (invariant: Invariant, what: string) => void;
