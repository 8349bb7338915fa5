/** The track of a line without audio: words are sent as they are made, and what was sent was heard. */
import type { Line } from '../../carriers/carrier.ts';
import type { HeardText, PlayoutListener, Track } from './playout.ts';

export function openTextTrack(line: Line, reply: number, listener: PlayoutListener): Track {
  let sent = '';
  let held = '';
  let ducked = false;
  let ended = false;
  let over = false;

  const heard = (): HeardText => ({ text: sent.trim(), ms: 0, complete: ended && held === '' });
  const release = () => {
    if (over || ducked) return;
    const piece = held;
    held = '';
    if (piece !== '') {
      const first = sent === '';
      sent += piece;
      line.tell({ type: 'agent-text', reply, text: piece, final: false });
      if (first) listener.audible();
    }
    if (!ended || over) return;
    over = true;
    line.tell({ type: 'agent-text', reply, text: sent.trim(), final: true });
    listener.ended();
  };
  return {
    sentMs: 0,
    write() {},
    word() {},
    lose: () => '',
    text(piece) {
      held += piece;
      release();
    },
    end() {
      ended = true;
      release();
    },
    duck() {
      ducked = true;
    },
    resume() {
      ducked = false;
      release();
    },
    cut() {
      if (over) return heard();
      over = true;
      line.tell({ type: 'agent-text', reply, text: sent.trim(), final: true });
      return heard();
    },
    heard,
  };
}
