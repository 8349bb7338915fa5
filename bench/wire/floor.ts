/**
 * The floor: the least that a Node process must do to hold the same calls with the same vendors over the same protocols as the product.
 * It hears voice activity, relays audio and text, keeps the history and knows whose turn it is. It has no recording, journal, database,
 * API, tools, deadlines or faults, and takes from the product only the voice activity kernel and the mu-law table.
 */
import { Agent, type ClientRequest, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { MULAW } from '../../src/audio/g711.ts';
import { createSilero } from '../../src/providers/vad/silero.ts';

export interface FloorSettings {
  readonly vendorPort: number;
  /** Audio in fewer messages: 60 ms to the recogniser while no turn end is near, 160 ms to the caller after the first. */
  readonly larger: boolean;
}

const { vendorPort, larger } = JSON.parse(process.argv[2] ?? '{}') as FloorSettings;
const vendor = `ws://127.0.0.1:${vendorPort}/v1`;
const detector = createSilero();
const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
const OPTIONS = { perMessageDeflate: false, skipUTF8Validation: true };
const PAYLOAD = Buffer.from('"payload":"');
const MEDIA = Buffer.from('{"event":"media"');
const QUOTE = 0x22;
/** Windows of 32 ms: two of voice interrupt, eight of quiet end it. */
const VOICE = 2;
const QUIET = 8;
/** Bytes of mu-law. */
const FRAME = 160;
const EARS_BYTES = 60 * 8;
const OUT_BYTES = 160 * 8;

interface Turn {
  readonly request: ClientRequest;
  said: string;
}

const pcm = new Int16Array(4_096);
const scratch = Buffer.alloc(4_096);

function converse(media: WebSocket, lane: string): void {
  const history = [{ role: 'system', content: `You are a receptionist. This is bench-${lane}.` }];
  const ears = new WebSocket(
    `${vendor}/listen?model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=true&keyterm=bench-${lane}`,
    OPTIONS,
  );
  const voice = new WebSocket(`${vendor}/speak?model=aura-bench-${lane}-en&encoding=mulaw&sample_rate=8000`, OPTIONS);
  let head = '';
  let tail = '';
  let turn: Turn | undefined;
  /** Replies that were cut and whose audio the voice still sends. */
  let clears = 0;
  let speaking = false;
  let awaiting = false;
  let loud = 0;
  let quiet = 0;
  let first = true;
  const toEars = Buffer.alloc(EARS_BYTES);
  let earsFilled = 0;
  const toCaller = Buffer.alloc(OUT_BYTES + 4_096);
  let callerFilled = 0;

  const cut = () => {
    if (!turn) return;
    media.send(`{"event":"clear",${tail}}`);
    voice.send('{"type":"Clear"}');
    clears += 1;
    turn.request.destroy();
    history.push({ role: 'assistant', content: turn.said });
    turn = undefined;
  };
  const activity = detector.open((probability) => {
    if (probability > 0.5) {
      quiet = 0;
      loud += 1;
      if (loud < VOICE || speaking) return;
      speaking = awaiting = true;
      cut();
    } else if (probability < 0.35) {
      loud = 0;
      quiet += 1;
      if (quiet >= QUIET) speaking = false;
    }
  });

  const hear = (message: Buffer) => {
    const from = message.indexOf(PAYLOAD) + PAYLOAD.length;
    const bytes = scratch.write(message.toString('latin1', from, message.indexOf(QUOTE, from)), 0, 'base64');
    for (let i = 0; i < bytes; i++) pcm[i] = MULAW.toLinear[scratch[i] ?? 0] ?? 0;
    activity.write(pcm, bytes);
    scratch.copy(toEars, earsFilled, 0, bytes);
    earsFilled += bytes;
    if (earsFilled < (larger && !awaiting ? EARS_BYTES : FRAME)) return;
    if (ears.readyState === WebSocket.OPEN) ears.send(toEars.subarray(0, earsFilled));
    earsFilled = 0;
  };
  const play = (audio: Buffer) => {
    if (!larger || first) return out(audio);
    audio.copy(toCaller, callerFilled);
    callerFilled += audio.length;
    if (callerFilled >= OUT_BYTES) out(toCaller.subarray(0, callerFilled));
  };
  const out = (audio: Buffer) => {
    first = false;
    media.send(`${head}${audio.toString('base64')}"}}`);
    callerFilled = 0;
  };

  const reply = (text: string) => {
    awaiting = false;
    cut();
    history.push({ role: 'user', content: text });
    if (history.length > 40) history.splice(1, 2);
    const body = JSON.stringify({ model: 'gpt-4o', stream: true, messages: history });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const path = '/v1/chat/completions';
    const request = httpRequest({ host: '127.0.0.1', port: vendorPort, path, method: 'POST', agent, headers }, (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        rest += piece;
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
          const line = rest.slice('data: '.length, end);
          rest = rest.slice(end + 2);
          if (line !== '[DONE]') token(line);
        }
      });
      response.on('error', () => {});
    });
    request.on('error', () => {}).end(body);
    const mine: Turn = { request, said: '' };
    turn = mine;
    first = true;
    callerFilled = 0;
    const token = (line: string) => {
      if (turn !== mine) return;
      const [choice] = (JSON.parse(line) as { choices: { delta: { content?: string }; finish_reason?: string }[] }).choices;
      const text = choice?.delta.content;
      if (text) {
        mine.said += text;
        voice.send(JSON.stringify({ type: 'Speak', text }));
      } else if (choice?.finish_reason) voice.send('{"type":"Flush"}');
    };
  };

  ears.on('message', (data: Buffer) => {
    const said = JSON.parse(data.toString()) as { type: string; is_final?: boolean; channel?: { alternatives: { transcript: string }[] } };
    const text = said.channel?.alternatives[0]?.transcript;
    if (said.type === 'Results' && said.is_final && text) reply(text);
  });
  voice.on('message', (data: Buffer, binary) => {
    if (binary) {
      if (clears === 0 && turn) play(data);
      return;
    }
    const { type } = JSON.parse(data.toString()) as { type: string };
    if (type === 'Cleared') clears -= 1;
    else if (type === 'Flushed' && clears === 0) {
      if (callerFilled > 0) out(toCaller.subarray(0, callerFilled));
      media.send(`{"event":"mark",${tail},"mark":{"name":"end"}}`);
    }
  });
  for (const socket of [ears, voice]) socket.on('error', () => {});
  media.on('message', (message: Buffer) => {
    if (MEDIA.compare(message, 0, MEDIA.length) === 0) return hear(message);
    const wire = JSON.parse(message.toString()) as { event: string; streamSid: string };
    if (wire.event === 'start') {
      tail = `"streamSid":"${wire.streamSid}"`;
      head = `{"event":"media",${tail},"media":{"payload":"`;
    } else if (wire.event === 'mark' && turn) {
      history.push({ role: 'assistant', content: turn.said });
      turn = undefined;
    }
  });
  media.on('error', () => {});
  media.on('close', () => {
    activity.close();
    turn?.request.destroy();
    ears.terminate();
    voice.terminate();
  });
}

const server = createServer((request, response) => {
  const lane = /bench-(\d+)/.exec(request.url ?? '')?.[1];
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(`<Response><Connect><Stream url="ws://${request.headers.host}/media/${lane}"/></Connect></Response>`);
  });
});
const sockets = new WebSocketServer({ server, ...OPTIONS });
sockets.on('connection', (socket, request) => {
  request.socket.setNoDelay(true);
  converse(socket, request.url?.split('/').at(-1) ?? '');
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
