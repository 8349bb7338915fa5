/** What was said, as a chat: the agent left, the caller right, tools and incidents between them. Used live and afterwards. */
import { CircleAlert, Info, LoaderCircle, Wrench } from 'lucide-react';
import type { TurnLatency } from '../../../src/api/contract.ts';
import { latencyOf, placeOf } from '../format.ts';
import type { Entry } from './story.ts';

interface ConversationProps {
  readonly entries: readonly Entry[];
  readonly turns: readonly TurnLatency[];
  readonly thinking?: boolean;
  /** Text of replies that is known before they are over, by reply. */
  readonly written?: Readonly<Record<number, string>>;
  /** The entry that sounds now in the recording, and how to go to one. */
  readonly current?: string | null;
  readonly onSeek?: ((mediaMs: number) => void) | undefined;
}

export function Conversation({ entries, turns, thinking = false, written = {}, current = null, onSeek }: ConversationProps) {
  return (
    <ol className="flex flex-col gap-3">
      {entries.map((entry) => (
        <li
          key={entry.key}
          data-entry={entry.key}
          className={`animate-arrive flex ${entry.kind === 'caller' ? 'justify-end' : 'justify-start'}`}
        >
          {entry.kind === 'tool' ? (
            <ToolLine entry={entry} />
          ) : entry.kind === 'note' ? (
            <Note entry={entry} />
          ) : (
            <Bubble
              entry={entry}
              text={entry.text || (entry.kind === 'agent' ? (written[entry.reply] ?? '') : '')}
              turn={entry.kind === 'agent' ? turns.find((one) => one.reply === entry.reply) : undefined}
              current={entry.key === current}
              onSeek={onSeek}
            />
          )}
        </li>
      ))}
      {thinking && (
        <li className="flex">
          <span className="rounded-2xl rounded-bl-md bg-accent-soft px-4 py-3">
            <Dots label="The agent is thinking" />
          </span>
        </li>
      )}
    </ol>
  );
}

interface BubbleProps {
  readonly entry: Extract<Entry, { kind: 'caller' | 'agent' }>;
  readonly text: string;
  readonly turn: TurnLatency | undefined;
  readonly current: boolean;
  readonly onSeek: ((mediaMs: number) => void) | undefined;
}

function Bubble({ entry, text, turn, current, onSeek }: BubbleProps) {
  const caller = entry.kind === 'caller';
  const open = caller ? entry.open : entry.state === 'speaking';
  const { from } = entry;
  return (
    <div className={`flex max-w-[min(34rem,88%)] flex-col gap-1 ${caller ? 'items-end' : 'items-start'}`}>
      <div
        className={`rounded-2xl px-4 py-2.5 break-words whitespace-pre-wrap transition-shadow ${
          caller ? 'rounded-br-md bg-caller-soft' : 'rounded-bl-md bg-accent-soft'
        } ${open ? 'text-muted' : ''} ${current ? 'ring-2 ring-accent' : ''}`}
      >
        <span className="sr-only">{caller ? 'Caller: ' : 'Agent: '}</span>
        {text || (caller ? <em className="text-muted">Not understood</em> : <Dots label="The agent is speaking" />)}
      </div>
      <div className={`flex min-h-5 flex-wrap items-center gap-x-2 px-1 text-xs text-faint ${caller ? 'justify-end' : ''}`}>
        {from !== null && onSeek ? (
          <button
            type="button"
            title="Play from here"
            aria-label={`Play from ${placeOf(entry.at)}`}
            onClick={() => onSeek(from)}
            className="rounded underline-offset-2 hover:text-accent hover:underline"
          >
            {placeOf(entry.at)}
          </button>
        ) : (
          <span>{placeOf(entry.at)}</span>
        )}
        {turn && turn.totalMs !== null && (
          <span title="From the caller's last sound to the agent's first">answered in {latencyOf(turn.totalMs)}</span>
        )}
        {entry.kind === 'agent' && entry.state === 'cut' && <span className="rounded-full bg-warn-soft px-2 text-warn">interrupted</span>}
      </div>
    </div>
  );
}

function ToolLine({ entry }: { entry: Extract<Entry, { kind: 'tool' }> }) {
  return (
    <p className={`flex items-center gap-2 px-1 text-[13px] ${entry.state === 'failed' ? 'text-danger' : 'text-muted'}`}>
      {entry.state === 'running' ? <LoaderCircle size={15} aria-hidden className="animate-turn" /> : <Wrench size={15} aria-hidden />}
      <span>
        <code className="font-mono text-[13px] break-all">{entry.name}</code>{' '}
        {entry.state === 'running' ? 'is running' : entry.state === 'ok' ? 'answered' : 'failed'}
        {entry.tookMs !== null && ` in ${latencyOf(entry.tookMs)}`}
      </span>
    </p>
  );
}

function Note({ entry }: { entry: Extract<Entry, { kind: 'note' }> }) {
  const Icon = entry.bad ? CircleAlert : Info;
  return (
    <p className={`flex items-start gap-2 px-1 text-[13px] ${entry.bad ? 'text-danger' : 'text-muted'}`}>
      <Icon size={15} aria-hidden className="mt-0.5 shrink-0" />
      <span className="min-w-0 break-words">{entry.text}</span>
    </p>
  );
}

function Dots({ label }: { label: string }) {
  return (
    <span role="img" aria-label={label} className="inline-flex h-4 items-center gap-1 text-accent">
      {[0, 160, 320].map((delay) => (
        <span key={delay} className="size-1.5 animate-breathe rounded-full bg-current" style={{ animationDelay: `${delay}ms` }} />
      ))}
    </span>
  );
}
