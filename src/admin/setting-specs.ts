import type { FieldSpec } from './form-fields.ts';

// Which settings the page offers. Ranges, and what goes with what, the router knows.

const balances = ['priority', 'weighted', 'least-busy', 'expected-ttft'] as const;
const devices = ['gpu', 'cpu', 'remote', 'cloud'] as const;

export const routerSpecs = (intents: readonly string[]): readonly FieldSpec[] => [
  {
    name: 'balance',
    label: 'Balance',
    kind: 'choice',
    choices: balances,
    isRequired: true,
    note: 'Who goes first among providers that stand equal.',
  },
  { name: 'defaultIntent', label: 'Default intent', kind: 'choice', choices: intents, isRequired: true, note: 'Of calls that name none.' },
  { name: 'maxAttempts', label: 'Attempts of a call, at most', kind: 'number' },
  { name: 'deadlineMs', label: 'Deadline of a call, ms', kind: 'number' },
  { name: 'allowPaid', label: 'Paid providers may be asked', kind: 'flag', isRequired: true },
];

export const intentSpecs: readonly FieldSpec[] = [
  {
    name: 'order',
    label: 'Order',
    kind: 'order',
    note: 'Devices and providers with commas between them; = between those that stand equal: gpu, box-1 = box-2, cpu. Naming a paid provider is consent to pay for it.',
  },
  { name: 'balance', label: 'Balance', kind: 'choice', choices: balances },
  { name: 'lane', label: 'Lane', kind: 'choice', choices: ['fast', 'heavy'], note: 'Fast calls get a slot before heavy ones.' },
  { name: 'affinity', label: 'Affinity', kind: 'flag', note: 'Prefers, between equals, who served the model of late.' },
  { name: 'maxLocality', label: 'Farthest place', kind: 'choice', choices: ['process', 'host', 'lan', 'tunnel', 'cloud'] },
  { name: 'allowPaid', label: 'Paid providers may be asked', kind: 'flag' },
  { name: 'maxCostUsd', label: 'Cost of a call at most, US dollars', kind: 'number' },
  { name: 'deadlineMs', label: 'Deadline of a call, ms', kind: 'number' },
  { name: 'timeouts.connectMs', label: 'Time to connect, ms', kind: 'number' },
  { name: 'timeouts.firstTokenMs', label: 'Time to first token, ms', kind: 'number' },
  { name: 'timeouts.idleMs', label: 'Silence in a stream, ms', kind: 'number' },
  { name: 'timeouts.totalMs', label: 'Whole attempt, ms', kind: 'number' },
];

export function providerSpecs(type: string): readonly FieldSpec[] {
  return [
    { name: 'enabled', label: 'Switched on', kind: 'flag', isRequired: true },
    { name: 'device', label: 'Device', kind: 'choice', choices: devices },
    { name: 'maxConcurrent', label: 'Calls at once, at most', kind: 'number' },
    { name: 'defaultModel', label: 'Default model', kind: 'text' },
    { name: 'embeddingModel', label: 'Model for embeddings', kind: 'text' },
    ...(type === 'cpu' ? [threads] : []),
    ...(type === 'cpu' || type === 'ollama' ? [contextSize] : []),
  ];
}

const threads: FieldSpec = { name: 'threads', label: 'Threads', kind: 'number', note: '0: as many as the library chooses.' };
const contextSize: FieldSpec = { name: 'contextSize', label: 'Context window, tokens', kind: 'number' };
