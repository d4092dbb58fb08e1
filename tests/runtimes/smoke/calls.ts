import { collect, createRouter, fromEnv, isRouterError, type ProviderOptions, type Router, textOf } from 'inferlane';
import { type Check, failureOf, type Ground, pause, same, seenAt, untilSeen } from './ground.ts';

// The root of the package: routers over real connections.

const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello!' }] };

type Providers = Record<string, ProviderOptions>;

/** `await using` is not understood by every runtime. */
export async function withRouter(ground: Ground, providers: Providers, use: (router: Router) => Promise<void>): Promise<void> {
  const router = createRouter({ providers, ...(ground.transport && { transport: ground.transport }) });
  try {
    await use(router);
  } finally {
    await router.close();
  }
}

const goodText = 'Hello from the good one.';

const chat: Check = async (ground) =>
  withRouter(
    ground,
    { first: { type: 'vllm', url: ground.urls.good }, second: { type: 'ollama', url: ground.urls.full } },
    async (router) => {
      const answer = await router.chat(request);
      same('the text', answer.choices[0].message.content, goodText);
      same('the provider', answer.route.provider, 'first');
    },
  );

/** `ofetch` looks the platform's `fetch` up with each call, so one that is watched sees it. */
const carried: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const platform = globalThis.fetch;
    const urls: string[] = [];
    globalThis.fetch = ((input: Request | string | URL, init?: RequestInit) => {
      urls.push(input instanceof Request ? input.url : String(input));
      return platform(input, init);
    }) as typeof platform;
    try {
      await router.chat(request);
    } finally {
      globalThis.fetch = platform;
    }
    const isFetched = urls.some((url) => url.endsWith('/v1/chat/completions'));
    same('what carried the call', isFetched ? 'fetch' : 'node:http', ground.carriedBy);
  });

/** The names in the environment are the ones that an application would use there. */
const environment: Check = async ({ transport, isGiven }) => {
  const router = createRouter(isGiven && transport !== undefined ? { ...fromEnv(process.env), transport } : undefined);
  try {
    const { choices, route } = await router.chat(request);
    same('the text', choices[0].message.content, goodText);
    same('the provider', route.provider, 'vllm');
  } finally {
    await router.close();
  }
};

function failsOver(place: 'full' | 'busy' | 'refused' | 'untrusted', reason: string): Check {
  return async (ground) => {
    const first: ProviderOptions = { type: place === 'full' ? 'ollama' : 'vllm', url: ground.urls[place] };
    await withRouter(ground, { first, second: { type: 'vllm', url: ground.urls.good } }, async (router) => {
      const told: unknown[] = [];
      router.on('failover', (event) => told.push([event.from, event.to, event.reason]));
      const answer = await router.chat(request);
      same('the text', answer.choices[0].message.content, goodText);
      same('the event', told, [['first', 'second', reason]]);
      same('the code of the first attempt', answer.route.attempts[0]?.error?.code, reason);
    });
  };
}

/** Where it is known that nothing was sent, the whole server rests, and not only a model of it. */
const refusal: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.refused } }, async (router) => {
    const error = await failureOf(router.chat(request));
    if (!isRouterError(error)) throw error;
    const { code, phase } = error.attempts[0]?.error ?? error;
    same('the code and the phase', [code, phase], ['unavailable', 'connect']);
  });

const pinned: Check = async (ground) =>
  withRouter(
    ground,
    { first: { type: 'ollama', url: ground.urls.full }, second: { type: 'vllm', url: ground.urls.good } },
    async (router) => {
      const pins: unknown[] = [];
      router.on('model:pinned', ({ provider, model }) => pins.push([provider, model]));
      await router.chat(request);
      const { route } = await router.chat(request);
      same('the event', pins, [['first', 'm']]);
      same(
        'who was asked after it',
        route.attempts.map(({ provider }) => provider),
        ['second'],
      );
    },
  );

const stream: Check = async (ground) =>
  withRouter(
    ground,
    { first: { type: 'ollama', url: ground.urls.full }, second: { type: 'vllm', url: ground.urls.good } },
    async (router) => {
      let text = '';
      const chunks = await router.stream(request);
      for await (const piece of textOf(chunks)) text += piece;
      same('the text', text, goodText);
      same(
        'who was asked',
        chunks.route.attempts.map(({ provider }) => provider),
        ['first', 'second'],
      );
    },
  );

const leave: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.endless } }, async (router) => {
    const before = await seenAt(ground, 'endless');
    let text = '';
    for await (const piece of textOf(await router.stream(request))) {
      text += piece;
      if (text === 'One two ') break;
    }
    await untilSeen(ground, 'endless', before, { calls: 1, aborted: 1 });
  });

const breaks: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.broken } }, async (router) => {
    let text = '';
    const read = async (): Promise<void> => {
      for await (const piece of textOf(await router.stream(request))) text += piece;
    };
    const error = await failureOf(read());
    if (!isRouterError(error, 'stream_interrupted')) throw error;
    // Some of it: what `fetch` has and has not handed over is lost when the connection is.
    same('whether text came before', text.length > 0 && 'One two '.startsWith(text), true);
  });

/** A server that packs its answers although it was asked not to. */
const packed: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.packed } }, async (router) => {
    const { choices } = await router.chat(request);
    same('the text', choices[0].message.content, 'Unpacked.');
  });

const atOnce: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const texts = Array.from({ length: 25 }, async () => {
      const answer = await router.chat(request);
      const read = await collect(await router.stream(request));
      return [answer, read].map(({ choices }) => choices[0].message.content);
    });
    same('the texts', new Set((await Promise.all(texts)).flat()).size, 1);
  });

const embed: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.good } }, async (router) => {
    const { data } = await router.embed({ model: 'm', input: ['a', 'b'] });
    same(
      'the lengths of the vectors',
      data.map(({ embedding }) => embedding.length),
      [8, 8],
    );
  });

const health: Check = async (ground) =>
  withRouter(ground, { up: { type: 'vllm', url: ground.urls.good }, down: { type: 'vllm', url: ground.urls.refused } }, async (router) => {
    const { providers } = await router.health();
    same('the states', Object.fromEntries(providers.map(({ provider, status }) => [provider, status])), { up: 'ok', down: 'down' });
  });

function aborts(place: 'silent' | 'endless', call: (router: Router, signal: AbortSignal) => Promise<unknown>): Check {
  return async (ground) =>
    withRouter(ground, { only: { type: 'vllm', url: ground.urls[place] } }, async (router) => {
      const before = await seenAt(ground, place);
      const controller = new AbortController();
      const reason = new Error('The caller has left.');
      const failure = failureOf(call(router, controller.signal));
      await untilSeen(ground, place, before, { calls: 1 });
      // What the server has sent may still be on its way.
      await pause(100);
      controller.abort(reason);
      const error = await failure;
      if (error !== reason) throw error;
      await untilSeen(ground, place, before, { aborted: 1 });
    });
}

async function readAll(router: Router, signal: AbortSignal): Promise<void> {
  for await (const chunk of await router.stream(request, { signal })) void chunk;
}

const deadline: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.silent } }, async (router) => {
    const before = await seenAt(ground, 'silent');
    const error = await failureOf(router.chat(request, { deadlineMs: 300 }));
    if (!isRouterError(error)) throw error;
    same('the code and the phase', [error.code, error.phase], ['timeout', 'deadline']);
    await untilSeen(ground, 'silent', before, { calls: 1, aborted: 1 });
  });

/** As uvicorn closes the connections that nobody has used for 5 s. */
const closed: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.closing } }, async (router) => {
    for (let call = 0; call < 20; call++) {
      const { choices } = await router.chat(request);
      same('the text', choices[0].message.content, 'yes');
    }
  });

const redirect: Check = async (ground) =>
  withRouter(ground, { only: { type: 'vllm', url: ground.urls.redirecting } }, async (router) => {
    const before = await seenAt(ground, 'good');
    const error = await failureOf(router.chat(request));
    if (!isRouterError(error)) throw error;
    same('the code', error.attempts[0]?.error.code ?? error.code, 'bad_response');
    same('the calls elsewhere', (await seenAt(ground, 'good')).calls - before.calls, 0);
  });

export const callChecks: Readonly<Record<string, Check>> = {
  chat,
  'its transport': carried,
  'from the environment': environment,
  'many at once': atOnce,
  'failover: out of memory': failsOver('full', 'out_of_memory'),
  'a pin after it': pinned,
  'failover: 503': failsOver('busy', 'overloaded'),
  'failover: connection refused': failsOver('refused', 'unavailable'),
  'failover: certificate not trusted': failsOver('untrusted', 'unavailable'),
  'a refusal is told as one': refusal,
  'stream with failover': stream,
  'a stream that is left': leave,
  'a stream that breaks': breaks,
  embed,
  health,
  'abort of a chat': aborts('silent', (router, signal) => router.chat(request, { signal })),
  'abort of a stream': aborts('endless', readAll),
  deadline,
  'connections closed by the server': closed,
  'a redirect is not followed': redirect,
  'an answer that is packed': packed,
};
