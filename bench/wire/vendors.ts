/**
 * The scripted vendors on the wire, in a process of their own: Deepgram's recognition and voice websockets and an OpenAI-compatible
 * model over SSE. Every interesting moment is noted on the clock that all processes share; calls are told apart by names that the
 * assistants carry (`bench-7` as keyterm, voice and system prompt). A model that was offered the tool `bench_big` asks for it, and its server
 * answers with 1 MB.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { MULAW } from '../../src/audio/g711.ts';
import { SCRIPT, TOKENS } from '../lib/speech.ts';
import { mono } from '../lib/stats.ts';

export type Moment = 'sttFinal' | 'llmAsked' | 'llmFirst' | 'ttsText' | 'ttsFirst';
export type VendorNote = [moment: Moment, call: string, at: number];

const notes: VendorNote[] = [];
const connections = { http: 0, sockets: 0 };
let hooks = 0;
let bigResults = 0;
const BIG = 'x'.repeat(1_000_000);
const note = (moment: Moment, call: string) => notes.push([moment, call, mono()]);
const nameIn = (text: string) => /bench-(\d+)/.exec(text)?.[1] ?? '?';
/** Mean amplitude over every eighth sample. */
const loudness = (audio: Buffer) => {
  let sum = 0;
  for (let i = 0; i < audio.length; i += 8) sum += Math.abs(MULAW.toLinear[audio[i] ?? 0] ?? 0);
  return sum / (audio.length / 8);
};

const server = createServer((request, response) => {
  if (request.url?.startsWith('/hook')) {
    hooks += 1;
    request.resume().on('end', () => response.end('{}'));
    return;
  }
  if (request.url?.startsWith('/tool')) {
    let question = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      question += chunk;
    });
    request.on('end', () => {
      bigResults += 1;
      const { message } = JSON.parse(question) as { message: { toolCallList: { id: string }[] } };
      response.end(JSON.stringify({ results: message.toolCallList.map(({ id }) => ({ toolCallId: id, result: BIG })) }));
    });
    return;
  }
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    response.socket?.setNoDelay(true);
    if (body.includes('"bench_big"') && !body.includes('"role":"tool"')) askTool();
    else answer(nameIn(body));
  });
  const askTool = () => {
    const call = { index: 0, id: `call-${bigResults}-${mono()}`, type: 'function', function: { name: 'bench_big', arguments: '{}' } };
    response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { tool_calls: [call] } }] })}\n\n`);
    response.end('data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n');
  };
  const answer = (call: string) => {
    note('llmAsked', call);
    const start = mono();
    let index = 0;
    let closed = false;
    response.on('close', () => {
      closed = true;
    });
    const step = () => {
      if (closed) return;
      if (index === 0) note('llmFirst', call);
      response.write(
        `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":${JSON.stringify(TOKENS[index++])}}}]}\n\n`,
      );
      if (index < TOKENS.length) setTimeout(step, Math.max(0, start + SCRIPT.firstToken + index * SCRIPT.perToken - mono()));
      else response.end('data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
    };
    setTimeout(step, SCRIPT.firstToken);
  };
});
server.keepAliveTimeout = 120_000;
server.on('connection', () => {
  connections.http += 1;
});

const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket, request) => {
  connections.sockets += 1;
  connections.http -= 1;
  request.socket.setNoDelay(true);
  const url = new URL(request.url ?? '/', 'http://x');
  if (url.pathname.endsWith('/listen')) listen(socket, nameIn(url.search));
  else speak(socket, nameIn(url.search));
});

type Socket = import('ws').WebSocket;

function listen(socket: Socket, call: string): void {
  let final: NodeJS.Timeout | undefined;
  let lastLoud = 0;
  let words = 0;
  let mediaMs = 0;
  const results = (final: boolean, transcript: string) =>
    socket.send(
      JSON.stringify({
        type: 'Results',
        start: Math.max(0, mediaMs / 1000 - 1.6),
        duration: 1.6,
        is_final: final,
        speech_final: final,
        channel: { alternatives: [{ transcript, confidence: 0.98, words: [] }] },
      }),
    );
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) return;
    mediaMs += data.length / 8;
    // Every 20 ms piece of the message is judged by itself, so that coalesced audio moves nothing.
    for (let at = 0; at < data.length; at += 160) {
      if (loudness(data.subarray(at, at + 160)) > 150) {
        lastLoud = mono();
        clearTimeout(final);
        final = undefined;
        if (++words % 15 === 0) results(false, 'I would like to');
      } else if (words > 0 && !final) {
        const due = lastLoud + SCRIPT.sttDelay;
        final = setTimeout(
          () => {
            words = 0;
            final = undefined;
            note('sttFinal', call);
            results(true, 'I would like to book an appointment.');
          },
          Math.max(0, due - mono()),
        );
      }
    }
  });
}

function speak(socket: Socket, call: string): void {
  const chunk = Buffer.alloc(320, 0x2a);
  let owed = 0;
  let next = 0;
  let started = false;
  let flushed = false;
  let timer: NodeJS.Timeout | undefined;
  const reset = () => {
    owed = next = 0;
    started = flushed = false;
    clearTimeout(timer);
    timer = undefined;
  };
  const pump = () => {
    timer = undefined;
    while (next <= mono() && owed >= 40) {
      owed -= 40;
      next += 40 * SCRIPT.realTimeFactor;
      if (!started) note('ttsFirst', call);
      started = true;
      socket.send(chunk);
    }
    if (owed >= 40) timer = setTimeout(pump, Math.max(1, next - mono()));
    else if (flushed) {
      reset();
      socket.send('{"type":"Flushed","sequence_id":0}');
    }
  };
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; text?: string };
    if (message.type === 'Clear') {
      reset();
      socket.send('{"type":"Cleared","sequence_id":0}');
    } else if (message.type === 'Speak') {
      if (!next) {
        note('ttsText', call);
        next = mono() + SCRIPT.firstAudio;
      }
      owed += (message.text ?? '').length * SCRIPT.msPerChar;
      timer ??= setTimeout(pump, Math.max(0, next - mono()));
    } else if (message.type === 'Flush') {
      flushed = true;
      timer ??= setTimeout(pump, Math.max(0, next - mono()));
    }
  });
}

process.on('message', (message) => {
  if (message === 'dump') process.send?.({ notes: notes.splice(0), connections, hooks, bigResults });
  if (message === 'exit') process.exit(0);
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
