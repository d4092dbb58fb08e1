import type { Adapter, Feature, Parameter } from '../../index.ts';
import type { Failure, FailureKind } from '../script.ts';
import type { Wire, WireCall } from '../wire.ts';
import type { Need, Saying } from './case.ts';
import { canSay, type Samples } from './sayings.ts';

export interface Needs {
  says(kind: FailureKind): boolean;
  lacks(need: Need): string | undefined;
}

/**
 * Settles what concerns an adapter: by what it declares, and by what the wire makes of the requests that it sends. Where it declares
 * a verb and sends nothing for it, everything concerns it: the cases are there to find that out.
 */
export function createNeeds(adapter: Adapter, model: string | undefined, wire: Wire, samples: Samples): Needs {
  const streamed = samples.stream.at(-1);
  const embedded = samples.embed.at(-1);
  const knows = (kind: FailureKind, call: WireCall | undefined): boolean =>
    call === undefined || wire.fail(failureOfKind(kind), call) !== undefined;
  const lacks = (need: Need): string | undefined => {
    const [topic, detail = ''] = need.split(':') as [string, string?];
    switch (topic) {
      case 'failure':
        return unless(knows(detail as FailureKind, streamed ?? embedded), `this server has no words for the failure "${detail}"`);
      case 'embed-failure':
        return unless(knows(detail as FailureKind, embedded), `this server has no words for the failure "${detail}" of an embedding`);
      case 'mid-stream':
        return unless(tellsMidStream(wire, detail as FailureKind, streamed), `this server just ends a stream for "${detail}"`);
      case 'says':
        return unless(canSay(detail as Saying, wire, samples), `this protocol has no place for: ${detail}`);
      case 'parameter':
        return unless(!adapter.ignores.includes(detail as Parameter), `the adapter declares that it ignores ${detail}`);
      case 'stream':
        return unless(streamed === undefined || streamed.verb === 'stream', 'its streams are made of whole answers');
      case 'terminator':
        return unless(streamed === undefined || wire.answer({}, streamed).closing !== '', 'nothing follows the last piece of a stream');
      default:
        return lacksOwn(adapter, model, need);
    }
  };
  return { says: (kind) => knows(kind, streamed ?? embedded), lacks };
}

/** What the adapter alone decides. */
function lacksOwn(adapter: Adapter, model: string | undefined, need: Need): string | undefined {
  const missing = lackedVerbs(adapter);
  switch (need) {
    case 'chat':
      return unless(adapter.chats, 'it only embeds');
    case 'embed':
      return unless(adapter.embed !== undefined, 'it does not embed');
    case 'models':
    case 'health':
    case 'load':
      return unless(adapter[need] !== undefined, `it has no ${need}()`);
    case 'model name':
      return unless(model !== undefined && adapter.modelName !== 'ignored', 'the server answers with the model it has, whatever the name');
    case 'ignores':
      return unless(adapter.ignores.length > 0, 'it ignores no parameter');
    case 'lacks a feature':
      return unless(lackedFeatures(adapter).length > 0, 'it declares every feature of its verbs');
    case 'lacks a verb':
      return unless(missing.length > 0, 'it chats and it embeds');
    case 'no thoughts of its own':
      return unless(adapter.name !== 'anthropic', 'signed thoughts are its own, and go back to it');
    default:
      return unless(adapter.capabilities[need as Feature], `it does not declare ${need}`);
  }
}

export function lackedVerbs({ chats, embed }: Adapter): readonly ('chat' | 'embed')[] {
  return [...(chats ? [] : ['chat' as const]), ...(embed === undefined ? ['embed' as const] : [])];
}

/** What a request may ask for. */
export type AskedFeature = Exclude<Feature, 'prefill'>;

/** Features that are not declared, of verbs that are. */
export function lackedFeatures({ capabilities, chats, embed }: Adapter): readonly AskedFeature[] {
  return (Object.keys(capabilities) as Feature[]).filter(
    (feature): feature is AskedFeature =>
      feature !== 'prefill' && !capabilities[feature] && (feature === 'dimensions' ? embed !== undefined : chats),
  );
}

function unless(isMet: boolean, reason: string): string | undefined {
  return isMet ? undefined : reason;
}

export function failureOfKind(kind: FailureKind): Failure {
  if (kind === 'status') return { kind, status: 500 };
  return kind === 'html' ? { kind, status: 502 } : { kind };
}

function tellsMidStream(wire: Wire, kind: FailureKind, call: WireCall | undefined): boolean {
  const failure = failureOfKind(kind);
  return call === undefined || (wire.fail(failure, call) !== undefined && wire.errorInStream(failure, call) !== '');
}
