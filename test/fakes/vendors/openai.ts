/**
 * OpenAI on loopback: chat completions, the realtime transcription session, `/audio/transcriptions` and `/audio/speech`, under
 * `/v1`. Middle of the sentence: half of the stream, after a delta, after the first chunk of sound.
 */
import type { ServerResponse } from 'node:http';
import {
  type Answer,
  type Answers,
  breakOff,
  type Frame,
  type Hears,
  play,
  type Speaks,
  soundOf,
  streamAnswer,
  utterances,
} from './script.ts';
import { type Asked, type FakeVendor, type Socket, startVendor } from './server.ts';

export interface OpenAiScript extends Hears, Speaks {
  readonly answers?: Answers;
  /** Answer with one JSON body although a stream was asked for. */
  readonly plain?: boolean;
}

/** Base URL is `<url>/v1`. */
export function startFakeOpenAi(script: OpenAiScript = {}): Promise<FakeVendor> {
  const hearing = utterances(script);
  const next = hearing();
  return startVendor({
    request(asked, response, vendor) {
      const { pathname } = asked.url;
      if (pathname.endsWith('/chat/completions')) return chat(asked, response, vendor, script);
      if (pathname.endsWith('/audio/transcriptions')) {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ text: next() ?? '' }));
      } else if (pathname.endsWith('/audio/speech')) speech(asked, response, vendor, script);
      else if (pathname.endsWith('/models')) response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
      else response.writeHead(404).end();
    },
    socket: (socket, vendor) => transcribe(socket, vendor, script, hearing()),
  });
}

function chat(asked: Asked, response: ServerResponse, vendor: FakeVendor, script: OpenAiScript): void {
  const request = JSON.parse(asked.body.toString('utf8')) as Record<string, unknown>;
  const answer = script.answers?.(request) ?? { text: ['Hello', ' there.'] };
  const usage = { prompt_tokens: 20, completion_tokens: answer.text?.length ?? 0, prompt_tokens_details: { cached_tokens: 5 } };
  const tools = answer.tools ?? [];
  const finish_reason = tools.length > 0 ? 'tool_calls' : 'stop';
  if (script.plain) {
    const calls = tools.map(({ id, name, json }) => ({ id, type: 'function', function: { name, arguments: json } }));
    const message = { role: 'assistant', content: answer.text?.join('') ?? null, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage }));
    return;
  }
  streamAnswer(response, answer, chatFrames(answer, finish_reason, usage), vendor.fault === 'close');
}

function chatFrames(answer: Answer, finish_reason: string, usage: object): Frame[] {
  const frame = (fields: object): Frame => ({
    data: `data: ${JSON.stringify({ id: 'chatcmpl-fake', object: 'chat.completion.chunk', ...fields })}\n\n`,
  });
  const delta = (fields: object, finish: string | null = null) => frame({ choices: [{ index: 0, delta: fields, finish_reason: finish }] });
  const frames: Frame[] = (answer.text ?? []).map((content, index) => ({
    ...delta(index === 0 ? { role: 'assistant', content } : { content }),
    token: true,
  }));
  (answer.tools ?? []).forEach(({ id, name, json }, index) => {
    frames.push(delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }));
    const middle = Math.ceil(json.length / 2);
    for (const part of [json.slice(0, middle), json.slice(middle)])
      frames.push(delta({ tool_calls: [{ index, function: { arguments: part } }] }));
  });
  return [...frames, delta({}, finish_reason), frame({ choices: [], usage }), { data: 'data: [DONE]\n\n' }];
}

function speech(asked: Asked, response: ServerResponse, vendor: FakeVendor, script: Speaks): void {
  const { input } = JSON.parse(asked.body.toString('utf8')) as { input: string };
  response.writeHead(200, { 'content-type': 'audio/pcm' });
  response.flushHeaders();
  // 24 kHz linear. An odd number of bytes per write: a client must not rely on whole samples.
  const steps = soundOf(input, 48, script).flatMap(({ bytes, pauseMs }): [number, () => void][] => [
    [pauseMs, () => response.write(bytes.subarray(0, 1_001))],
    [0, () => (vendor.fault === 'close' ? breakOff(response) : response.write(bytes.subarray(1_001)))],
  ]);
  play([...steps, [0, () => response.end()]], () => response.destroyed);
}

function transcribe(socket: Socket, vendor: FakeVendor, script: OpenAiScript, next: () => string | undefined): void {
  let ms = 0;
  let settledMs = 0;
  let item = 0;
  let perMs = 8;
  socket.send({ type: 'session.created', session: { type: 'transcription' } });
  socket.onMessage((message) => {
    if (Buffer.isBuffer(message)) return;
    if (message.type === 'session.update') {
      perMs = JSON.stringify(message).includes('"audio/pcm"') ? 48 : 8;
      socket.send({ type: 'session.updated', session: message.session });
    }
    if (message.type === 'input_audio_buffer.append') {
      const bytes = Buffer.from(String(message.audio), 'base64').length;
      vendor.stats.audioBytes += bytes;
      ms += bytes / perMs;
    }
    if (message.type !== 'input_audio_buffer.commit') return;
    const text = next();
    if (text === undefined) {
      socket.send({
        type: 'error',
        error: { type: 'invalid_request_error', code: 'input_audio_buffer_commit_empty', message: 'buffer too small' },
      });
      return;
    }
    const item_id = `item_${item++}`;
    const transcription = (kind: string, fields: object) =>
      socket.send({ type: `conversation.item.input_audio_transcription.${kind}`, item_id, content_index: 0, ...fields });
    socket.send({ type: 'input_audio_buffer.speech_started', item_id, audio_start_ms: settledMs });
    socket.send({ type: 'input_audio_buffer.speech_stopped', item_id, audio_end_ms: ms });
    socket.send({ type: 'input_audio_buffer.committed', item_id, previous_item_id: null });
    settledMs = ms;
    transcription('delta', { delta: text.split(' ')[0] });
    if (vendor.fault === 'close') return socket.close(1011, 'server going away');
    play([[script.finalAfterMs ?? 0, () => transcription('completed', { transcript: text })]], () => !socket.open);
  });
}
