/** The track of a line without audio: words are sent as they are made, and what was sent was heard. */
import type { Line } from '../../carriers/carrier.ts';
import type { HeardText, PlayoutListener, Track } from './playout.ts';

/** So many characters lie between two reports of what was read: about ten seconds of speech. */
const REPORT_EVERY = 160;

export function openTextTrack(line: Line, reply: number, listener: PlayoutListener): Track {
  let sent = '';
  let held = '';
  let ducked = false;
  let ended = false;
  let over = false;
  /** Characters that were reported. */
  let told = 0;

  const heard = (): HeardText => ({ text: sent.trim(), ms: 0, complete: ended && held === '' });
  /** What was sent counts as read. */
  const report = () => {
    const news = sent.slice(told).trimEnd();
    if (!listener.heard || news.length < REPORT_EVERY) return;
    told += news.length;
    listener.heard(news, 0);
  };
  const release = () => {
    if (over || ducked) return;
    const piece = held;
    held = '';
    if (piece !== '') {
      const first = sent === '';
      sent += piece;
      report();
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
