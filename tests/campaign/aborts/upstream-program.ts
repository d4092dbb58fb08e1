import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// The server of the abort matrix, in a process of its own: node upstream-program.ts COMPLETION
// HTTP by hand, so that nothing but the connection itself tells when a client has gone. Each request says in its text what is
// to be done with it (`do:manner:key`), and its fate is told to the parent under that key, with the time on the common clock.

const [completion = ''] = process.argv.slice(2);

const now = (): number => performance.timeOrigin + performance.now();
const tell = (what: string, key: string): void => void process.send?.({ what, key, atMs: now() });
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (delta: unknown, finish: string | null): string =>
  chunk(`data: ${JSON.stringify({ id: 'c', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
const message = { role: 'assistant', content: completion };
const whole = JSON.stringify({ id: 'c', created: 1, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] });
/** Repeats fields of the request, as servers do that check them; each one with a secret of ours in it. */
const failureOf = (received: string): string => {
  const [head = '', body = '{}'] = received.split('\r\n\r\n');
  const secrets = head.split('\r\n').filter((line) => line.includes('canary-'));
  const fields = Object.entries(JSON.parse(body) as object).filter(([, value]) => JSON.stringify(value).includes('canary-'));
  const told = [...secrets, ...fields.map(([name, value]) => `${name}: ${JSON.stringify(value)}`)];
  failures += 1;
  return JSON.stringify({ error: { message: `It refused ${told[failures % told.length] ?? ''}` } });
};
let failures = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let received = '';
  let key: string | undefined;
  const over = (what: string): void => {
    if (key !== undefined) tell(what, key);
    key = undefined;
  };
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    const [, length = ''] = /content-length: (\d+)/i.exec(received) ?? [];
    const end = received.indexOf('\r\n\r\n');
    if (end === -1 || received.length < end + 4 + Number(length)) return;
    const [, manner = '', asked = ''] = / do:([a-z]+):([^"]+)"/.exec(received) ?? [];
    const isStream = received.includes('"stream":true');
    key = asked;
    process.send?.({ what: 'arrived', key, atMs: now(), text: received });
    void play(socket, { manner, isStream, failure: failureOf(received) }, () => key === asked).then(
      (isDone) => over(isDone ? 'answered' : 'unused'),
      () => undefined,
    );
    received = '';
  });
  // Whichever comes first: the client's end of the connection, a reset, or the end of it all.
  for (const name of ['end', 'close', 'error'] as const) {
    socket.on(name, () => {
      over('closed');
      if (name === 'end') socket.destroy();
    });
  }
});

interface Asked {
  readonly manner: string;
  readonly isStream: boolean;
  readonly failure: string;
}

/** Resolves with true when the answer is complete; what hangs never resolves. */
async function play(socket: Socket, { manner, isStream, failure }: Asked, isOn: () => boolean): Promise<boolean> {
  const head = (status: string, type: string, more = ''): void =>
    void socket.write(`HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${more}transfer-encoding: chunked\r\n\r\n`);
  const body = (status: string, text: string, more = ''): boolean => {
    head(status, 'application/json', more);
    return socket.write(`${chunk(text)}0\r\n\r\n`) || true;
  };
  if (manner === 'fail') return body('500 Failed', failure);
  if (manner === 'later') return body('429 Later', failure, 'retry-after: 2\r\n');
  if (manner === 'answer' && !isStream) return body('200 OK', whole);
  if (manner === 'silent') return forever();
  head('200 OK', isStream ? 'text/event-stream' : 'application/json');
  if (manner === 'head') return forever();
  if (!isStream) {
    socket.write(chunk(whole.slice(0, 20)));
    return forever();
  }
  if (manner === 'role') {
    socket.write(event({ role: 'assistant', content: '' }, null));
    while (isOn()) {
      socket.write(chunk(': wait\n\n'));
      await sleep(5);
    }
  }
  if (manner === 'flow') {
    while (isOn()) {
      socket.write(event({ content: completion }, null));
      await sleep(3);
    }
  }
  if (isOn()) socket.write(event({ content: completion }, null));
  if (manner === 'finish' && isOn()) socket.write(event({}, 'stop'));
  if (manner !== 'answer') return forever();
  return socket.write(`${event({}, 'stop')}${chunk('data: [DONE]\n\n')}0\r\n\r\n`) || true;
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

/** Takes connections and never says a word on them: a client that wants TLS waits for it. */
const mute = createServer((socket) => {
  tell('connected', 'mute');
  socket.resume();
  socket.on('error', () => undefined);
  socket.on('close', () => tell('disconnected', 'mute'));
});

process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  mute.listen(0, '127.0.0.1', () => {
    const [port, mutePort] = [server, mute].map((each) => (each.address() as AddressInfo).port);
    process.send?.({ port, mutePort });
  });
});
