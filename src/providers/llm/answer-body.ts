/**
 * The body of an answer, whichever way a server sends it: server-sent events with one or several JSON objects each, one JSON document,
 * a list, or one object a line. What the header calls it is not asked; what it begins with is. What is no JSON is counted, not thrown.
 */
import { type Fields, isFields, type Tally } from '../fields.ts';
import { type JsonValues, jsonValues } from './json-values.ts';
import { type ServerEvent, sseParser } from './sse.ts';

export interface AnswerEvent {
  /** The `event:` field of the stream; empty when there was none. */
  readonly name: string;
  /** `END` where the server says that the stream is over. */
  readonly value: Fields | typeof END;
}

export const END = Symbol('end of the answer');

export interface AnswerBody {
  /** The events that this chunk of the body completes. None is a sign of life: a comment, white space, a part of an event. */
  push(chunk: Uint8Array): readonly AnswerEvent[];
  /** The body is over: an event whose end is missing. */
  end(): readonly AnswerEvent[];
}

export function answerBody(tally: Tally): AnswerBody {
  /** Chunks before the first character that says what the body is. */
  let head: Uint8Array[] = [];
  let form: AnswerBody | undefined;

  return {
    push(chunk) {
      if (form) return form.push(chunk);
      const begins = firstCharacter([...head, chunk]);
      if (begins === '') {
        // A copy: the chunk belongs to the connection. Servers that are slow to answer send white space, so that nobody hangs up.
        head.push(Buffer.from(chunk));
        return [];
      }
      const whole = head.length > 0 ? Buffer.concat([...head, chunk]) : chunk;
      head = [];
      form = begins === '{' || begins === '[' ? documentBody(tally) : streamBody(tally);
      return form.push(whole);
    },
    end: () => form?.end() ?? [],
  };
}

/** Behind the byte order mark, of which a part is no character either. */
function firstCharacter(head: readonly Uint8Array[]): string {
  return Buffer.concat(head)
    .toString('utf8')
    .replace(/^[\uFEFF\uFFFD\s]+/, '')
    .charAt(0);
}

/** JSON from the first character on. */
function documentBody(tally: Tally): AnswerBody {
  const decoder = new TextDecoder();
  const values = jsonValues();
  let over = false;
  return {
    push: (chunk) =>
      values
        .push(decoder.decode(chunk, { stream: true }))
        .filter(isFields)
        .map((value) => ({ name: '', value })),
    end() {
      if (!over) noteAll(values, tally);
      over = true;
      return [];
    },
  };
}

function streamBody(tally: Tally): AnswerBody {
  let ready: AnswerEvent[] = [];
  const parser = sseParser((event) => {
    for (const each of parsed(event, tally)) ready.push(each);
  });
  const taken = () => {
    const events = ready;
    ready = [];
    return events;
  };
  return {
    push(chunk) {
      parser.push(chunk);
      return taken();
    },
    end() {
      parser.end();
      return taken();
    },
  };
}

/** What is in one event of the stream. */
function parsed({ event, data }: ServerEvent, tally: Tally): AnswerEvent[] {
  const name = event === 'message' ? '' : event;
  const text = data.trim();
  if (text === '') return [];
  if (text[0] !== '{' && /^["[]*done["\]]*$/i.test(text)) return [{ name, value: END }];
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return [{ name, value }];
    if (Array.isArray(value) && value.length > 0 && value.every(isFields)) return value.map((entry) => ({ name, value: entry }));
  } catch {
    // Not one JSON value: there may be several, or a second `data:` before one.
    const values = jsonValues();
    const found = values.push(text.replace(/^(data:\s*)+/, '')).filter(isFields);
    noteAll(values, tally);
    if (found.length > 0)
      return [...found.map((value) => ({ name, value })), ...(/\[DONE\]\s*$/.test(text) ? [{ name, value: END } as const] : [])];
    if (name !== 'error') return [];
  }
  if (name === 'error') return [{ name, value: { error: text } }];
  tally.note('event');
  return [];
}

function noteAll({ unusable }: JsonValues, tally: Tally): void {
  for (let left = unusable; left > 0; left -= 1) tally.note('json');
}
