/** A part of the source that mutation tests hold to its tests. */
export interface Area {
  readonly name: string;
  readonly mutate: readonly string[];
  /** The tests that have to notice; the fewer, the sooner it is done. */
  readonly tests: readonly string[];
}

const routerTests = (names: string): string => `tests/router/{${names}}.test.ts`;

export const areas: readonly Area[] = [
  { name: 'breaker', mutate: ['src/breaker/*.ts'], tests: ['tests/breaker/*.test.ts', 'tests/router/breaker.test.ts'] },
  {
    name: 'attempts',
    mutate: [
      'attempts',
      'attempt',
      'attempt-verdict',
      'candidates',
      'obstacles',
      'give-up',
      'carry-out',
      'try-once',
      'effects',
      'own-headers',
      'wait-for-load',
    ].map((name) => `src/router/${name}.ts`),
    tests: [
      routerTests(
        'failover,limits,rests,breaker,candidates,retry-tokens,hops,loading,events,pins,situations,close,stream,stream-leaving,waiting,hedge,hedge-together,resume-restart,resume-continue,throughput,suspended,ignored-parameters',
      ),
    ],
  },
  {
    name: 'permits',
    mutate: ['provider', 'readiness', 'breaker-ramp', 'provider-state', 'model-state'].map((name) => `src/router/${name}.ts`),
    tests: [
      routerTests(
        'permits,breaker,failover,pins,rests,retry-tokens,events,candidates,model-check,health,situations,hedge,loading,close,embed,gates,waiting,limits,model-name,ignored-parameters,resume-continue',
      ),
    ],
  },
  {
    name: 'waiting',
    mutate: ['waiting', 'try-again', 'hedge', 'hedge-delay'].map((name) => `src/router/${name}.ts`),
    tests: [routerTests('waiting,hedge,hedge-together,rests,limits,loading,retry-tokens,close')],
  },
  {
    name: 'streams',
    mutate: ['open-stream', 'stream-reader', 'chat-stream', 'resume', 'continuation', 'interrupted'].map((name) => `src/router/${name}.ts`),
    tests: [routerTests('stream,stream-leaving,throughput,resume-restart,resume-continue,begun,limits,close')],
  },
  {
    name: 'stream-formats',
    mutate: ['sse', 'ndjson', 'stream-text', 'read-stream'].map((name) => `src/lib/${name}.ts`),
    tests: ['tests/lib/{sse,ndjson,read-stream,stream-text,paced-text,whole-parts}.test.ts'],
  },
  {
    name: 'classification',
    mutate: ['classify', 'error-patterns', 'unwrap', 'retry-after', 'fault-codes', 'web-page'].map((name) => `src/lib/${name}.ts`),
    tests: ['tests/lib/{classify,classify-fault,error-consequences,retry-after,unwrap,web-page,http}.test.ts'],
  },
  {
    name: 'redaction',
    mutate: ['redact', 'echo', 'secret', 'http-error'].map((name) => `src/lib/${name}.ts`),
    tests: ['tests/lib/{redact,echo,request-texts,secret,http-error,http,http-headers}.test.ts', 'tests/router/secrets.test.ts'],
  },
  {
    name: 'gates',
    mutate: [
      'routing/gates',
      'routing/cost',
      'routing/tokens',
      'routing/model-size',
      'router/embedding-space',
      'config/check-candidates',
    ].map((name) => `src/${name}.ts`),
    tests: [
      'tests/routing/{gates,tokens,model-size,plan}.test.ts',
      'tests/config/candidates.test.ts',
      routerTests('gates,embedding-space'),
    ],
  },
  {
    name: 'lanes',
    mutate: ['lanes', 'slots', 'queue', 'turns', 'unread-streams'].map((name) => `src/router/${name}.ts`),
    tests: [
      routerTests(
        'queue,queue-lanes,queue-retries,queue-slots,queue-waits,lanes,slow-readers,waiting,candidates,large-registry,failover,stickiness',
      ),
    ],
  },
  {
    name: 'routing',
    mutate: [
      'balance',
      'weighted',
      'rendezvous',
      'prefixes',
      'line',
      'affinity',
      'plan',
      'pins',
      'intents',
      'time-fit',
      'expected-time',
    ].map((name) => `src/routing/${name}.ts`),
    tests: ['tests/routing/{balance,weighted,rendezvous,prefixes,affinity,plan,pins,intents,time-fit,expected-time}.test.ts'],
  },
  {
    name: 'machines',
    mutate: ['residency', 'first-content-time', 'timings', 'provider-facts', 'load-polls', 'under-way'].map(
      (name) => `src/router/${name}.ts`,
    ),
    tests: [
      routerTests(
        'memory,monitor,permits,balance,loading,truncation,model-check,model-name,pins,gates,candidates,queue-lanes,queue-waits,stickiness,embedding-space,explain',
      ),
    ],
  },
];
