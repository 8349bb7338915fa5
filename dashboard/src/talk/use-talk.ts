/** One try at talking to an assistant, as the page sees it: idle, connecting, live, over. Leaving the page hangs up. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { type Problem, problemOf } from '../problem.ts';
import { toast } from '../ui/toast.tsx';
import { type Line, type LineListener, openText, openVoice } from './line.ts';

type Mode = 'voice' | 'text';
type TalkState =
  | { readonly phase: 'idle'; readonly problem: Problem | null }
  | { readonly phase: 'connecting'; readonly mode: Mode }
  | { readonly phase: 'live'; readonly mode: Mode; readonly callId: string }
  | { readonly phase: 'over'; readonly mode: Mode; readonly callId: string };

export interface Talk {
  readonly state: TalkState;
  readonly muted: boolean;
  readonly written: Readonly<Record<number, string>>;
  start(assistantId: string, mode: Mode): void;
  say(text: string): void;
  mute(on: boolean): void;
  hangUp(): void;
  /** Back to the beginning, the last conversation forgotten. */
  reset(): void;
}

/** `onLevel` is called many times a second and must not set state. */
export function useTalk(onLevel: LineListener['level']): Talk {
  const [state, setState] = useState<TalkState>({ phase: 'idle', problem: null });
  const [muted, setMuted] = useState(false);
  const [written, setWritten] = useState<Readonly<Record<number, string>>>({});
  const line = useRef<Line | null>(null);
  const leaving = useRef<AbortController | null>(null);

  const hangUp = useCallback(() => {
    leaving.current?.abort();
    line.current?.hangUp();
  }, []);
  useEffect(() => hangUp, [hangUp]);

  const start = useCallback(
    async (assistantId: string, mode: Mode) => {
      const leave = new AbortController();
      leaving.current = leave;
      setMuted(false);
      setWritten({});
      setState({ phase: 'connecting', mode });
      let callId = '';
      let over = false;
      const listener: LineListener = {
        placed: ({ id }) => {
          callId = id;
        },
        written: (reply, text, whole) => setWritten((known) => ({ ...known, [reply]: whole ? text : (known[reply] ?? '') + text })),
        level: onLevel,
        trouble: (message) => toast(message, 'bad'),
        closed: () => {
          over = true;
          line.current = null;
          onLevel('caller', 0);
          onLevel('agent', 0);
          setState({ phase: 'over', mode, callId });
        },
      };
      try {
        const opened = await (mode === 'voice' ? openVoice : openText)(assistantId, listener, leave.signal);
        if (over) return;
        line.current = opened;
        setState({ phase: 'live', mode, callId });
      } catch (error) {
        setState({ phase: 'idle', problem: leave.signal.aborted ? null : problemOf(error) });
      }
    },
    [onLevel],
  );

  return {
    state,
    muted,
    written,
    start: (assistantId, mode) => void start(assistantId, mode),
    say: (text) => line.current?.say(text),
    mute: (on) => {
      line.current?.mute(on);
      setMuted(on);
    },
    hangUp,
    reset: () => setState({ phase: 'idle', problem: null }),
  };
}
