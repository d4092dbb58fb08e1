/** A part of the source that mutation tests hold to its tests. */
export interface Area {
  readonly name: string;
  readonly mutate: readonly string[];
  /** The tests that have to notice; the fewer, the sooner it is done. */
  readonly tests: readonly string[];
}

export const areas: readonly Area[] = [
  { name: 'breaker', mutate: ['src/breaker/*.ts'], tests: ['tests/breaker/*.test.ts', 'tests/router/breaker.test.ts'] },
  {
    name: 'attempts',
    mutate: ['attempts', 'attempt', 'candidates', 'carry-out', 'try-once', 'waiting', 'hedge', 'hedge-delay', 'effects', 'hops', 'loading'].map(
      (name) => `src/router/${name}.ts`,
    ),
    tests: ['tests/router/*.test.ts', 'tests/leaks.test.ts'],
  },
  {
    name: 'streams',
    mutate: [
      ...['open-stream', 'stream-reader', 'chat-stream', 'resume', 'begun', 'stream-verb'].map((name) => `src/router/${name}.ts`),
      ...['sse', 'ndjson', 'stream-text', 'read-stream'].map((name) => `src/lib/${name}.ts`),
    ],
    tests: ['tests/router/*.test.ts', 'tests/lib/{sse,ndjson,read-stream,stream-text,paced-text,whole-parts}.test.ts', 'tests/leaks.test.ts'],
  },
  {
    name: 'classification',
    mutate: ['classify', 'unwrap', 'retry-after', 'fault-codes', 'web-page'].map((name) => `src/lib/${name}.ts`),
    tests: ['tests/lib/{classify,classify-fault,error-consequences,retry-after,http}.test.ts'],
  },
  {
    name: 'redaction',
    mutate: ['redact', 'echo', 'secret', 'http-error'].map((name) => `src/lib/${name}.ts`),
    tests: ['tests/lib/{redact,echo,secret,http,http-headers}.test.ts', 'tests/router/secrets.test.ts'],
  },
];
