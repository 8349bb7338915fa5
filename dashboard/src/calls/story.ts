/**
 * A call as a conversation, folded from its events: who said what, what was heard of it, which tools ran, who is speaking now. It reads
 * events only, so that a live call and a stored one look the same.
 */
import type { CallEvent } from '../../../src/call/events.ts';

/** Times are ms: `at` since the call's first event, `from` and `to` in media time (the recording's), `null` where nothing sounded. */
interface Placed {
  readonly key: string;
  readonly at: number;
  readonly from: number | null;
  readonly to: number | null;
}
export type Entry =
  | (Placed & { readonly kind: 'caller'; readonly text: string; readonly open: boolean })
  | (Placed & { readonly kind: 'agent'; readonly reply: number; readonly text: string; readonly state: 'speaking' | 'complete' | 'cut' })
  | (Placed & {
      readonly kind: 'tool';
      readonly id: string;
      readonly name: string;
      readonly state: 'running' | 'ok' | 'failed';
      readonly tookMs: number | null;
    })
  | (Placed & { readonly kind: 'note'; readonly text: string; readonly bad: boolean });

export interface Story {
  readonly entries: readonly Entry[];
  /** Who makes a sound now, or is about to. */
  readonly now: 'caller' | 'agent' | 'thinking' | 'quiet';
  readonly ended: boolean;
}

interface Draft {
  entries: Entry[];
  callerTalks: boolean;
  speaking: number | null;
  thinking: number | null;
  ended: boolean;
  /** When the line connected: media time begins here. */
  mediaAt: number;
  /** Words that no turn has taken yet, and the guess at what comes next. */
  finals: { readonly from: number; readonly text: string }[];
  partial: string;
  waiting: { at: number; from: number; to: number } | null;
}

export function storyOf(events: readonly CallEvent[]): Story {
  const draft: Draft = {
    entries: [],
    callerTalks: false,
    speaking: null,
    thinking: null,
    ended: false,
    mediaAt: 0,
    finals: [],
    partial: '',
    waiting: null,
  };
  for (const event of events) take(draft, event);
  const open = openWords(draft);
  return { entries: open ? [...draft.entries, open] : draft.entries, now: nowOf(draft), ended: draft.ended };
}

function nowOf({ ended, callerTalks, speaking, thinking }: Draft): Story['now'] {
  if (ended) return 'quiet';
  if (callerTalks) return 'caller';
  if (speaking !== null) return 'agent';
  return thinking === null ? 'quiet' : 'thinking';
}

function take(draft: Draft, event: CallEvent): void {
  const { at } = event;
  const key = `e${event.seq}`;
  const note = (text: string, bad = false) => draft.entries.push({ kind: 'note', key, at, from: null, to: null, text, bad });
  switch (event.type) {
    case 'line.connected':
      draft.mediaAt ||= at;
      break;
    case 'caller.started':
      draft.callerTalks = true;
      break;
    case 'caller.stopped':
      draft.callerTalks = false;
      break;
    case 'caller.partial':
      draft.partial = event.text;
      wait(draft, event);
      break;
    case 'caller.words':
      draft.partial = '';
      if (!event.rejected) {
        // The late final of interim words takes their place, unless they have been answered.
        const others = draft.finals.filter(({ from }) => from !== event.replaces);
        if (event.replaces !== undefined && others.length === draft.finals.length) break;
        draft.finals = [...others, { from: event.from, text: event.text }];
        wait(draft, event);
      } else if (draft.finals.length === 0) draft.waiting = null;
      break;
    case 'caller.turn': {
      const turnKey = `t${event.turn}`;
      const sounded = event.to > 0;
      const entry: Entry = {
        kind: 'caller',
        key: turnKey,
        at: sounded ? Math.min(at, draft.mediaAt + event.from) : at,
        from: sounded ? event.from : null,
        to: sounded ? event.to : null,
        text: event.text,
        open: false,
      };
      const again = draft.entries.findIndex((one) => one.key === turnKey);
      if (again >= 0) draft.entries[again] = entry;
      else draft.entries.push(entry);
      Object.assign(draft, { finals: [], partial: '', waiting: null });
      break;
    }
    case 'dtmf.received':
      note(`The caller pressed ${event.digit}`);
      break;
    case 'reply.begun':
      draft.thinking = event.reply;
      break;
    case 'reply.audible':
      draft.thinking = null;
      draft.speaking = event.reply;
      draft.entries.push({
        kind: 'agent',
        key: `r${event.reply}`,
        at,
        from: null,
        to: null,
        reply: event.reply,
        text: '',
        state: 'speaking',
      });
      break;
    case 'agent.said': {
      if (draft.speaking === event.reply) draft.speaking = null;
      const sounded = event.to > event.from;
      change(draft, `r${event.reply}`, 'agent', (entry) => ({
        ...entry,
        text: event.text,
        state: event.complete ? 'complete' : 'cut',
        from: sounded ? event.from : null,
        to: sounded ? event.to : null,
      }));
      break;
    }
    case 'reply.ended':
      if (draft.speaking === event.reply) draft.speaking = null;
      if (draft.thinking === event.reply) draft.thinking = null;
      if (event.outcome === 'failed') note('The reply failed', true);
      break;
    case 'tool.called':
      draft.entries.push({
        kind: 'tool',
        key: `c${event.id}`,
        at,
        from: null,
        to: null,
        id: event.id,
        name: event.name,
        state: 'running',
        tookMs: null,
      });
      break;
    case 'tool.answered':
      change(draft, `c${event.id}`, 'tool', (entry) => ({ ...entry, state: event.ok ? 'ok' : 'failed', tookMs: event.tookMs }));
      break;
    case 'provider.failed':
      note(`${event.provider} failed: ${event.detail}`, event.final);
      break;
    case 'provider.switched':
      note(`Switched from ${event.from} to ${event.to}`);
      break;
    case 'line.held':
      if (event.why === 'lost') note('The line broke; the call waits for the caller to come back', true);
      else note(event.on ? 'The caller is on hold' : 'The caller is back');
      break;
    case 'transfer.begun':
      note(`Transferring to ${event.destination}`);
      break;
    case 'transfer.ended':
      note(event.ok ? 'Transferred' : `The transfer failed: ${event.detail}`, !event.ok);
      break;
    case 'agent.entered':
      note(`${event.agent} speaks from here on`);
      break;
    case 'call.ended':
      draft.ended = true;
      break;
    default:
  }
}

/** The words of the caller that are still being said. */
function openWords({ finals, partial, waiting, ended }: Draft): Entry | null {
  const text = [...finals.map((final) => final.text), partial].filter(Boolean).join(' ');
  if (!text || !waiting) return null;
  return { kind: 'caller', key: 'open', at: waiting.at, from: waiting.from, to: waiting.to, text, open: !ended };
}

function wait(draft: Draft, { at, from, to }: { at: number; from: number; to: number }): void {
  const began = to > 0 ? Math.min(at, draft.mediaAt + from) : at;
  draft.waiting = draft.waiting ? { ...draft.waiting, to } : { at: began, from, to };
}

function change<K extends Entry['kind']>(draft: Draft, key: string, kind: K, how: (entry: Extract<Entry, { kind: K }>) => Entry): void {
  const index = draft.entries.findLastIndex((one) => one.key === key);
  const entry = draft.entries[index];
  if (entry?.kind === kind) draft.entries[index] = how(entry as Extract<Entry, { kind: K }>);
}
