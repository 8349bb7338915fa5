/**
 * Server-sent events as bytes arrive: the line syntax of the HTML standard (§9.2), and the two liberties that servers take with it. Lines
 * are cut on bytes, so that a character split between two chunks is whole again before it is decoded; a line or event past 1 MiB is refused.
 */
import { AywaError } from '../../kernel/errors.ts';

export interface ServerEvent {
  /** The `event:` field; `message` when there was none. */
  readonly event: string;
  /** The `data:` lines of the event, joined by newlines. */
  readonly data: string;
}

const MOST_BYTES = 1024 * 1024;
const LF = 10;
const CR = 13;
const COLON = 58;
const BRACE = 123;
/** U+FEFF, which some servers put before everything. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The incremental parser. `end` completes an event whose last empty line is missing, as some servers leave it out. */
export function sseParser(take: (event: ServerEvent) => void): { push(chunk: Uint8Array): void; end(): void } {
  /** The beginning of a line whose end has not come yet. */
  let rest: Uint8Array[] = [];
  let held = 0;
  let event = '';
  let data: string | undefined;
  let skipLf = false;
  let first = true;

  const field = (line: string) => {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'event') event = value;
    if (name === 'data') {
      // Servers that leave the empty line out: in one JSON value no line that ends an object is followed by one that begins another.
      if (data?.endsWith('}') && /^[{[]/.test(value)) dispatch();
      data = data === undefined ? value : `${data}\n${value}`;
    }
    if (data !== undefined && data.length > MOST_BYTES) throw tooLong();
  };
  const dispatch = () => {
    if (data !== undefined) take({ event: event || 'message', data });
    event = '';
    data = undefined;
  };
  const line = (bytes: Uint8Array) => {
    let whole = held > 0 ? Buffer.concat([...rest, bytes]) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    rest = [];
    held = 0;
    if (first && whole.subarray(0, 3).equals(BYTE_ORDER_MARK)) whole = whole.subarray(3);
    first = false;
    if (whole.length === 0) dispatch();
    // A bare object is an event of its own: servers that fail in mid-stream say so outside of the syntax.
    else if (whole[0] === BRACE) {
      dispatch();
      field(`data:${whole.toString('utf8')}`);
      dispatch();
    }
    // A line that begins with a colon is a comment: servers keep idle streams open with them.
    else if (whole[0] !== COLON) field(whole.toString('utf8'));
  };

  return {
    push(chunk) {
      let start = 0;
      for (let i = 0; i < chunk.length; i += 1) {
        const byte = chunk[i];
        if (byte !== LF && byte !== CR) {
          skipLf = false;
          continue;
        }
        if (!(byte === LF && skipLf)) line(chunk.subarray(start, i));
        skipLf = byte === CR;
        start = i + 1;
      }
      if (start === chunk.length) return;
      held += chunk.length - start;
      if (held > MOST_BYTES) throw tooLong();
      // A copy: the chunk belongs to the connection.
      rest.push(Buffer.from(chunk.subarray(start)));
    },
    end() {
      if (held > 0) line(new Uint8Array(0));
      dispatch();
    },
  };
}

function tooLong(): AywaError {
  return new AywaError('provider_garbage', { detail: 'an event of the stream is longer than 1 MiB.' });
}
