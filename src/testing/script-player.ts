import type { Clock } from '../index.ts';
import type { Matcher, Rule, Script, ScriptItem } from './backend.ts';
import { reply, type Step } from './script.ts';
import type { FakeModel, FakeResident, WireCall } from './wire.ts';

/** What is due for a call. `loadingMs` above 0: the model of this step loads that long still, and the step is not used up. */
interface Turn {
  readonly step: Step;
  readonly loadingMs: number;
}

/** A script and how far it has come. */
export interface Player {
  take(call: WireCall): Turn;
  readonly models: readonly FakeModel[] | undefined;
  readonly resident: readonly FakeResident[] | undefined;
}

/** Steps, and the calls that they are for; undefined: for all. */
export interface ScriptPart {
  readonly when: Matcher | undefined;
  readonly steps: readonly Step[];
}

export function createPlayer(script: Script, clock: Clock): Player {
  const items = itemsOf(script);
  const queues = partsOf(items).map(({ when, steps }) => ({ when, take: createQueue(steps, clock) }));
  return {
    // The last part is for all calls.
    take: (call) => (queues.find(({ when }) => when === undefined || fits(when, call)) as (typeof queues)[number]).take(),
    models: items.findLast((item) => 'models' in item)?.models,
    resident: items.findLast((item) => 'resident' in item)?.resident,
  };
}

/** The rules in their order, then the plain steps. */
export function scriptParts(script: Script): readonly ScriptPart[] {
  return partsOf(itemsOf(script));
}

function itemsOf(script: Script): readonly ScriptItem[] {
  return 'length' in script ? script : [script];
}

function partsOf(items: readonly ScriptItem[]): readonly ScriptPart[] {
  const rules = items.filter((item): item is Rule => 'when' in item);
  return [...rules, { when: undefined, steps: items.filter((item): item is Step => 'answer' in item) }];
}

function fits({ verb, model, where }: Matcher, call: WireCall): boolean {
  return (
    (verb === undefined || verb === call.verb) && (model === undefined || model === call.model) && (where === undefined || where(call))
  );
}

/** One step per call, the last one again and again; a step that loads stays where it is until its time is over. */
function createQueue(given: readonly Step[], clock: Clock): () => Turn {
  const steps = given.length === 0 ? [reply()] : given;
  let at = 0;
  let loadingSinceMs: number | undefined;
  return () => {
    const step = steps[at] as Step;
    const nowMs = clock.nowMs();
    loadingSinceMs ??= nowMs;
    const loadingMs = loadingSinceMs + (step.faults.loadingMs ?? 0) - nowMs;
    if (loadingMs > 0) return { step, loadingMs };
    if (at < steps.length - 1) {
      at += 1;
      loadingSinceMs = undefined;
    }
    return { step, loadingMs: 0 };
  };
}
