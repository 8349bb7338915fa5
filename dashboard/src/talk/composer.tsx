/** One line to write to the agent. Enter sends. */
import { SendHorizontal } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../ui/button.tsx';

export function Composer({ onSay, focus }: { onSay: (text: string) => void; focus: boolean }) {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    onSay(text.trim());
    setText('');
  };
  return (
    <form onSubmit={send} className="flex gap-2 border-t border-line p-3">
      <input
        ref={input}
        aria-label="Write to the agent"
        placeholder="Write to the agent"
        value={text}
        maxLength={5000}
        autoComplete="off"
        enterKeyHint="send"
        onChange={(event) => setText(event.target.value)}
        className="min-w-0 flex-1 rounded-lg border border-field bg-surface px-3 py-2 focus-visible:outline-offset-0"
      />
      <Button type="submit" look="primary" disabled={!text.trim()} aria-label="Send">
        <SendHorizontal size={18} aria-hidden />
      </Button>
    </form>
  );
}
