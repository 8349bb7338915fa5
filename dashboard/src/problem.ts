/** What can go wrong between this page and the runtime, in one shape that every screen can show. */
import type { ErrorBody } from '../../src/api/contract.ts';

export interface Problem {
  /** `away`: no answer at all. `refused`: an answer that says no, for a reason that `message` tells. */
  readonly kind: 'unauthorized' | 'not-found' | 'refused' | 'away' | 'failed';
  readonly message: string;
  /** What to do next; may be empty. */
  readonly fix: string;
  readonly faults: readonly { path: string; message: string }[];
}

const carried = new WeakMap<Error, Problem>();

/** An error that carries a problem; `problemOf` takes it out again. */
export function problemError(problem: Problem): Error {
  const error = new Error(problem.message);
  carried.set(error, problem);
  return error;
}

export function problemOf(error: unknown): Problem {
  const problem = error instanceof Error ? carried.get(error) : undefined;
  return problem ?? { kind: 'failed', message: error instanceof Error ? error.message : String(error), fix: '', faults: [] };
}

export const AWAY: Problem = {
  kind: 'away',
  message: 'The runtime does not answer.',
  fix: 'Check that it runs and that this machine reaches it.',
  faults: [],
};

/** The problem in an answer that is not ok. Proxies answer in HTML: then the status alone must do. */
export async function problemIn(response: Response): Promise<Problem> {
  const body: Partial<ErrorBody> = await response.json().catch(() => ({}));
  const said = Array.isArray(body.message) ? body.message.join('. ') : body.message;
  return {
    kind: kindOf(response.status),
    message: said || `The runtime answered ${response.status}.`,
    fix: body.fix ?? '',
    faults: body.faults ?? [],
  };
}

function kindOf(status: number): Problem['kind'] {
  if (status === 401) return 'unauthorized';
  if (status === 404) return 'not-found';
  if (status < 500) return 'refused';
  return status === 502 || status === 504 ? 'away' : 'failed';
}
