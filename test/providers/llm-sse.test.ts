/** The event stream parser: every way to cut the same bytes gives the same events. */
import { describe, expect, it } from 'vitest';
import { type ServerEvent, sseParser } from '../../src/providers/llm/sse.ts';

function parse(chunks: readonly Uint8Array[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = sseParser((event) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return events;
}

const TEXT = [
  ': a comment\n\n',
  'data: {"text":"Grüße, 世界 👋"}\n\n',
  'event: ping\ndata:no space\nid: 7\nretry: 10\n\n',
  'data: first\r\ndata: second\r\n\r\n',
  'data: alone\r\r',
  'event: without data\n\n',
  'data\n\n',
  'data: the end is missing',
].join('');

const EVENTS: ServerEvent[] = [
  { event: 'message', data: '{"text":"Grüße, 世界 👋"}' },
  { event: 'ping', data: 'no space' },
  { event: 'message', data: 'first\nsecond' },
  { event: 'message', data: 'alone' },
  { event: 'message', data: '' },
  { event: 'message', data: 'the end is missing' },
];

describe('the event stream', () => {
  it('reads comments, fields, several data lines and all three line ends', () => {
    expect(parse([Buffer.from(TEXT)])).toEqual(EVENTS);
  });

  it('does not care where chunks are cut, inside characters included', () => {
    const bytes = Buffer.from(TEXT);
    for (let at = 1; at < bytes.length; at += 1) expect(parse([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(EVENTS);
    expect(parse([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  });

  it('does not keep a buffer that its owner uses again', () => {
    const events: ServerEvent[] = [];
    const parser = sseParser((event) => events.push(event));
    const buffer = Buffer.alloc(8);
    for (const piece of ['data: ab', 'cdefghij', 'klmnop\n\n']) {
      buffer.write(piece);
      parser.push(buffer);
    }
    expect(events).toEqual([{ event: 'message', data: 'abcdefghijklmnop' }]);
  });

  it.each([
    ['a line', [Buffer.alloc(600_000, 97), Buffer.alloc(600_000, 97)]],
    ['an event', Array.from({ length: 3 }, () => Buffer.from(`data: ${'a'.repeat(500_000)}\n`))],
  ])('refuses %s past 1 MiB', (_, chunks) => {
    expect(() => parse(chunks)).toThrow(/longer than 1 MiB/);
  });

  it('gives an event as soon as its chunk is there', () => {
    const seen: string[] = [];
    const parser = sseParser(({ data }) => seen.push(data));
    parser.push(Buffer.from('data: 1\n\ndata: 2\n\nda'));
    expect(seen).toEqual(['1', '2']);
    parser.push(Buffer.from('ta: 3\n\n'));
    expect(seen).toEqual(['1', '2', '3']);
  });

  it.each([
    ['a byte order mark', '\uFEFFdata: {"a":1}\n\n', ['{"a":1}']],
    ['missing empty lines', 'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n', ['{"a":1}', '{"b":2}', '[DONE]']],
    ['one value on several lines', 'data: {"a":[\ndata: {"b":2},\ndata: {"c":3}]\ndata: }\n\n', ['{"a":[\n{"b":2},\n{"c":3}]\n}']],
    ['an object outside of the syntax', 'data: {"a":1}\n\n{"error":"x"}\n\n', ['{"a":1}', '{"error":"x"}']],
  ])('understands %s', (_, text, data) => {
    for (const chunks of [[Buffer.from(text)], [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))])
      expect(parse(chunks).map((event) => event.data)).toEqual(data);
  });
});
