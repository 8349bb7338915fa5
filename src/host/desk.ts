/** Questions of calls to the world outside the host: each goes through the wall with a number and waits for its answer as long as who asked does. */
import type { Answer, Desk } from '../agent/desk.ts';
import { AywaError, ERRORS, type ErrorCode } from '../kernel/errors.ts';
import type { Report } from './protocol.ts';

export interface HostDesk extends Desk {
  /** An answer from control; one that nobody waits for any more is dropped. */
  answered(question: number, answer: Answer | null, error: { code: string; detail: string } | null): void;
}

export function createDesk(emit: (report: Report) => void): HostDesk {
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: unknown) => void }>();
  let last = 0;
  return {
    async ask(question, scope) {
      last += 1;
      const id = last;
      try {
        const { promise, resolve, reject } = Promise.withResolvers<Answer>();
        waiting.set(id, { resolve, reject });
        emit({ type: 'question', id, call: question.call, question });
        return await scope.wait(promise);
      } finally {
        waiting.delete(id);
      }
    },
    answered(question, answer, error) {
      const entry = waiting.get(question);
      if (answer) entry?.resolve(answer);
      else entry?.reject(new AywaError(codeOf(error?.code), { detail: error?.detail ?? 'There was no answer.' }));
    },
  };
}

function codeOf(code: string | undefined): ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'tool_failed';
}
