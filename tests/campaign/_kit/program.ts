import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A program in a process of its own, which answers questions. */
export interface Program<Question, Reply> extends AsyncDisposable {
  readonly pid: number;
  /** Rejects where the program ends without an answer. */
  ask(question: Question): Promise<Reply>;
}

interface Numbered {
  readonly id: number;
  readonly text: string;
}

/** `file`: a module that calls `answerQuestions`. Resolves when it is ready. */
export async function startProgram<Question, Reply>(
  file: URL,
  nodeOptions: readonly string[] = [],
  limitMs = 580_000,
): Promise<Program<Question, Reply>> {
  // What is left over from a test runner's own start must not come along.
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = fork(file, { execArgv: [...nodeOptions], env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  const giveUp = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('message', (message) => {
    const { id, text } = message as Numbered;
    waiting.get(id)?.resolve(JSON.parse(text) as Reply);
    waiting.delete(id);
  });
  child.on('exit', (code) => giveUp(new Error(`the program ended with ${code ?? 'a signal'} before it answered`)));
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs).unref();
  let asked = 0;
  const send = (text: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      asked += 1;
      waiting.set(asked, { resolve, reject });
      child.send({ id: asked, text });
    });
  const ask = (question: Question): Promise<Reply> => send(JSON.stringify(question));
  // No question at all is answered as soon as there is somebody to answer.
  await send('');
  return {
    pid: child.pid ?? 0,
    ask,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

/** The other side of `startProgram`: answers one question after the other, for as long as whoever asks is there. */
export function answerQuestions<Question, Reply>(answer: (question: Question) => Promise<Reply> | Reply): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (message) => {
    const { id, text } = message as Numbered;
    const settle = async (): Promise<void> => {
      const reply = text === '' ? null : await answer(JSON.parse(text) as Question);
      process.send?.({ id, text: JSON.stringify(reply ?? null) });
    };
    settle().catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
}
