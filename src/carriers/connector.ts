/** What connectors and lines have in common: the media that they take, and the refusal of what they cannot do. */
import { AywaError } from '../kernel/errors.ts';
import type { Connector, Line, LineContext, LineExpectation, LineVerbs, MediaSocket } from './carrier.ts';

/** A connector of websocket lines. Media of another kind is refused with a sentence. */
export function onSocket(
  name: string,
  connect: (socket: MediaSocket, expectation: LineExpectation, ctx: LineContext) => Promise<Line>,
): Connector {
  return {
    takes: 'socket',
    async connect(media, expectation, ctx) {
      if (media.kind === 'socket') return connect(media.socket, expectation, ctx);
      throw new AywaError('media_malformed', { detail: `A ${name} line takes its media by socket, not by ${media.kind}.` });
    },
  };
}

/** The abilities of a line without any verb. */
export const CANNOT = { press: false, hold: false, transfer: false, bridge: false, returns: false } as const;

/** Verbs that a line does not have: each rejects. A line that can do some of them writes its own over these. */
export function noVerbs(carrier: string): LineVerbs {
  const refuse = (what: string) => async (): Promise<never> => {
    throw new AywaError('line_cannot', { detail: `A ${carrier} line cannot ${what}.` });
  };
  return {
    press: refuse('send keys'),
    hold: refuse('be held'),
    transfer: refuse('be transferred'),
    bridge: refuse('be bridged'),
  };
}
