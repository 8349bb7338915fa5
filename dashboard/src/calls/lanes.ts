/** Where on the time axis somebody spoke, thought or worked, folded from a call's events. All times are ms since its first event. */
import type { CallEvent } from '../../../src/call/events.ts';

export interface Span {
  readonly lane: 'caller' | 'agent' | 'tools';
  readonly kind: 'speech' | 'thinking' | 'tool';
  readonly from: number;
  /** `null` while it lasts. */
  readonly to: number | null;
  readonly label: string;
  readonly bad: boolean;
}

export interface Lanes {
  readonly spans: readonly Span[];
  /** When the line connected: media time, and with it the recording, begins here. */
  readonly mediaAt: number;
  readonly endAt: number;
}

export function lanesOf(events: readonly CallEvent[]): Lanes {
  const spans: Span[] = [];
  const open = new Map<string, Span>();
  let mediaAt = 0;
  const begin = (key: string, span: Omit<Span, 'to' | 'bad'>) => {
    if (!open.has(key)) open.set(key, { ...span, to: null, bad: false });
  };
  const end = (key: string, to: number, change: Partial<Span> = {}) => {
    const span = open.get(key);
    if (!span) return;
    open.delete(key);
    spans.push({ ...span, ...change, to });
  };
  for (const event of events) {
    const { at } = event;
    switch (event.type) {
      case 'line.connected':
        mediaAt ||= at;
        break;
      case 'caller.started':
        begin('caller', { lane: 'caller', kind: 'speech', from: at, label: 'Caller speaks' });
        break;
      case 'caller.stopped':
        end('caller', at - (event.silentMs ?? 0));
        break;
      case 'reply.begun':
        begin(`think ${event.reply}`, { lane: 'agent', kind: 'thinking', from: at, label: 'Agent thinks' });
        break;
      case 'reply.audible':
        end(`think ${event.reply}`, at);
        begin(`speak ${event.reply}`, { lane: 'agent', kind: 'speech', from: at, label: 'Agent speaks' });
        break;
      case 'agent.said':
        end(`speak ${event.reply}`, spoken(mediaAt, event, at), {
          bad: !event.complete,
          label: event.complete ? 'Agent speaks' : 'Agent was interrupted',
        });
        break;
      case 'reply.ended':
        end(`think ${event.reply}`, at);
        end(`speak ${event.reply}`, at);
        break;
      case 'tool.called':
        begin(`tool ${event.id}`, { lane: 'tools', kind: 'tool', from: at, label: event.name });
        break;
      case 'tool.answered':
        end(`tool ${event.id}`, at, { bad: !event.ok });
        break;
      case 'call.ended':
        for (const key of [...open.keys()]) end(key, at);
        break;
      default:
    }
  }
  return { spans: [...spans, ...open.values()], mediaAt, endAt: events.at(-1)?.at ?? 0 };
}

/** The end of what was heard, in the call's time: known in media time, and never later than its event. */
function spoken(mediaAt: number, event: { from: number; to: number }, at: number): number {
  return event.to > event.from ? Math.min(mediaAt + event.to, at) : at;
}
