/** How the demo looks in a terminal: who spoke, what, and how long the caller waited. Colour only where a person reads it. */
import type { CallEvent } from '../call/events.ts';
import { latency, turnsOf } from '../journal/latency.ts';

const colours = process.stdout.isTTY && !process.argv.includes('--no-color');
const paint = (code: number) => (text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);
const cyan = paint(36);
const yellow = paint(33);

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

const WIDTH = 78;
const MARGIN = ' '.repeat(10);

function speech(who: string, text: string, note: string): void {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] ?? '';
    if (line.length + word.length > WIDTH - MARGIN.length) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  print(`${who}${lines.join(`\n${MARGIN}`)}`);
  if (note) print(`${MARGIN}${dim(note)}`);
}

/** Prints one call's events as they come. */
export function transcript(): (event: CallEvent) => void {
  let state = latency.start();
  return (event) => {
    state = latency.fold(state, event);
    switch (event.type) {
      case 'caller.words':
        speech(cyan('  caller  '), event.rejected ? '(something that was not expected)' : event.text, '');
        break;
      case 'agent.said': {
        const turn = turnsOf(state).findLast((one) => one.reply === event.reply);
        const parts = [
          turn?.totalMs == null ? '' : `answered after ${Math.round(turn.totalMs)} ms`,
          turn?.decideMs == null ? '' : `end of turn ${Math.round(turn.decideMs)}`,
          turn?.thinkMs == null ? '' : `model ${Math.round(turn.thinkMs)}`,
          turn?.voiceMs == null ? '' : `voice ${Math.round(turn.voiceMs)}`,
        ];
        speech(
          green('  agent   '),
          event.complete ? event.text : `${event.text} ${yellow('(interrupted)')}`,
          parts.filter(Boolean).join(' · '),
        );
        break;
      }
      case 'tool.answered':
        print(`${MARGIN}${dim(`tool ${event.name}: ${event.ok ? 'answered' : 'failed'} after ${Math.round(event.tookMs)} ms`)}`);
        break;
      case 'provider.failed':
        print(`${MARGIN}${red(`${event.provider} (${event.kind}) failed: ${event.detail}`)}`);
        break;
      default:
    }
  };
}
