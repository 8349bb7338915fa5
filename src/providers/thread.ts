/**
 * One worker thread behind a question-and-answer port, for lab work that would hold up the calls: started at the first question,
 * shared by the process, started anew at the next question after a crash. Idle, it does not keep the process alive.
 */
import { parentPort, Worker } from 'node:worker_threads';
import { AywaError } from '../kernel/errors.ts';

interface Letter<T> {
  readonly id: number;
  readonly body: T;
}
type Outcome<Reply> = { readonly ok: true; readonly reply: Reply } | { readonly ok: false; readonly detail: string };

/** `entry` is a file that calls `serve`. The answer rejects with `provider_network` when the thread fails; `name` is said then. */
export function thread<Question, Reply>(name: string, entry: URL): (question: Question) => Promise<Reply> {
  const waiting = new Map<number, PromiseWithResolvers<Reply>>();
  let worker: Worker | undefined;
  let last = 0;

  const start = (): Worker => {
    const started = new Worker(entry, { name });
    const lost = (detail: string) => {
      if (worker !== started) return;
      worker = undefined;
      for (const { reject } of waiting.values()) reject(new AywaError('provider_network', { detail: `The ${name} stopped: ${detail}` }));
      waiting.clear();
    };
    started.on('message', ({ id, body }: Letter<Outcome<Reply>>) => {
      const asked = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) started.unref();
      if (body.ok) asked?.resolve(body.reply);
      else asked?.reject(new AywaError('provider_network', { detail: `The ${name} failed: ${body.detail}` }));
    });
    started.on('error', (error) => lost(error instanceof Error ? error.message : String(error)));
    started.on('exit', (code) => lost(`exit ${code}`));
    return started;
  };

  return (question) => {
    worker ??= start();
    const asked = Promise.withResolvers<Reply>();
    const id = ++last;
    waiting.set(id, asked);
    worker.ref();
    const letter: Letter<Question> = { id, body: question };
    worker.postMessage(letter);
    return asked.promise;
  };
}

/** The thread's side: answers questions one after the other. What `answer` throws is told to the asker. */
export function serve<Question, Reply>(answer: (question: Question) => Promise<Reply> | Reply): void {
  let previous = Promise.resolve();
  parentPort?.on('message', ({ id, body }: Letter<Question>) => {
    previous = previous.then(async () => {
      let outcome: Outcome<Reply>;
      try {
        outcome = { ok: true, reply: await answer(body) };
      } catch (error) {
        outcome = { ok: false, detail: error instanceof Error ? error.message : String(error) };
      }
      const letter: Letter<Outcome<Reply>> = { id, body: outcome };
      parentPort?.postMessage(letter);
    });
  });
}
