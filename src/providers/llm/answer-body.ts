/**
 * The body of an answer, whichever way a server sends it: server-sent events with one or several JSON objects each, one JSON document,
 * a list, or one object a line. What the header calls it is not asked; what it begins with is. What is no JSON is counted, not thrown.
 */
import { type Fields, isFields, type Tally } from './fields.ts';
import { type JsonValues, jsonValues } from './json-values.ts';
import { type ServerEvent, serverEvents } from './sse.ts';

export interface AnswerEvent {
  /** The `event:` field of the stream; empty when there was none. */
  readonly name: string;
  /** `END` where the server says that the stream is over. */
  readonly value: Fields | typeof END;
}

export const END = Symbol('end of the answer');

/** For each chunk of the body what it completes; an empty list is a sign of life. Leaving the loop closes the body. */
export async function* answerEvents(
  body: AsyncIterable<Uint8Array>,
  tally: Tally,
): AsyncGenerator<readonly AnswerEvent[], void, undefined> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    const head: Uint8Array[] = [];
    let begins = '';
    while (begins === '') {
      const next = await chunks.next();
      if (next.done) return;
      // A copy: the chunk belongs to the connection.
      head.push(Buffer.from(next.value));
      begins = firstCharacter(head);
      // Servers that are slow to answer send white space, so that nobody hangs up.
      if (begins === '') yield [];
    }
    const whole = rejoined(head, chunks);
    if (begins === '{' || begins === '[') yield* documentEvents(whole, tally);
    else for await (const events of serverEvents(whole)) yield events.flatMap((event) => parsed(event, tally));
  } finally {
    await chunks.return?.();
  }
}

/** Behind the byte order mark, of which a part is no character either. */
function firstCharacter(head: readonly Uint8Array[]): string {
  return Buffer.concat(head)
    .toString('utf8')
    .replace(/^[\uFEFF\uFFFD\s]+/, '')
    .charAt(0);
}

async function* rejoined(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** A body that is JSON from its first character on. */
async function* documentEvents(body: AsyncIterable<Uint8Array>, tally: Tally): AsyncGenerator<readonly AnswerEvent[], void, undefined> {
  const decoder = new TextDecoder();
  const values = jsonValues();
  for await (const chunk of body)
    yield values
      .push(decoder.decode(chunk, { stream: true }))
      .filter(isFields)
      .map(unnamed);
  noteAll(values, tally);
}

/** What is in one event of the stream. */
function parsed({ event, data }: ServerEvent, tally: Tally): AnswerEvent[] {
  const name = event === 'message' ? '' : event;
  const text = data.trim();
  if (text === '') return [];
  if (/^["[]*done["\]]*$/i.test(text)) return [{ name, value: END }];
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

function unnamed(value: Fields): AnswerEvent {
  return { name: '', value };
}

function noteAll({ unusable }: JsonValues, tally: Tally): void {
  for (let left = unusable; left > 0; left -= 1) tally.note('json');
}
