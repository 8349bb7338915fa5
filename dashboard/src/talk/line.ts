/**
 * The browser's end of a call: one socket, with sound through the two worklets or in writing alone. It knows nothing of the page and of
 * what the conversation means.
 */
import type { Call } from '../../../src/api/contract.ts';
import { problemError } from '../problem.ts';
import { runtime } from '../requests.ts';
import captureUrl from './capture.worklet.ts?worker&url';
import { openMicrophone } from './microphone.ts';
import playUrl from './play.worklet.ts?worker&url';
import { type Captured, type PlayNews, type PlayOrder, RATE } from './voice-format.ts';

export interface Line {
  /** Typed words, with or without sound beside them. */
  say(text: string): void;
  mute(on: boolean): void;
  hangUp(): void;
}

export interface LineListener {
  /** The call exists: its events can be followed. */
  placed(call: Call): void;
  /** A piece of a written reply, or (`whole`) all of it. */
  written(reply: number, text: string, whole: boolean): void;
  /** Loudness, 0 to 1, about 25 to 50 times a second. */
  level(who: 'caller' | 'agent', level: number): void;
  /** Something broke that does not end the call. */
  trouble(message: string): void;
  /** Once, last. */
  closed(): void;
}

/** A call by microphone. Must begin in a click: browsers start sound only then. Rejects with a `Problem`; nothing is left open then. */
export async function openVoice(assistantId: string, listener: LineListener, signal: AbortSignal): Promise<Line> {
  const context = new AudioContext({ latencyHint: 'interactive' });
  const release: (() => void)[] = [() => void context.close()];
  const closed = () => {
    for (const free of release.splice(0)) free();
  };
  try {
    const microphone = await openMicrophone();
    for (const track of microphone.getTracks()) {
      release.push(() => track.stop());
      track.onended = () => listener.trouble('The microphone went away.');
    }
    await Promise.all([context.audioWorklet.addModule(captureUrl), context.audioWorklet.addModule(playUrl), context.resume()]);
    signal.throwIfAborted();

    const audioFormat = { format: 'pcm_s16le', container: 'raw', sampleRate: RATE };
    const socket = await connect(assistantId, { provider: 'vapi.websocket', audioFormat }, listener, signal);
    release.push(() => socket.close());
    socket.send(JSON.stringify({ type: 'hello', marks: true, clear: true }));

    const player = new AudioWorkletNode(context, 'play', { numberOfInputs: 0, outputChannelCount: [1] });
    const order = (what: PlayOrder, transfer: Transferable[] = []) => player.port.postMessage(what, transfer);
    player.port.onmessage = ({ data }: MessageEvent<PlayNews>) => {
      if (data.type === 'level') listener.level('agent', data.level);
      else if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(data));
    };
    player.connect(context.destination);

    const capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    capture.port.onmessage = ({ data }: MessageEvent<Captured>) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data.frame);
      listener.level('caller', data.level);
    };
    context.createMediaStreamSource(microphone).connect(capture);

    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data !== 'string') return order({ type: 'audio', pcm: data }, [data]);
      const message = wireMessage(data);
      if (message.type === 'clear') order({ type: 'clear' });
      else if (message.type === 'mark') order({ type: 'mark', name: String(message.name) });
    };
    const mute = (on: boolean) => {
      for (const track of microphone.getAudioTracks()) track.enabled = !on;
    };
    return lineOver(socket, listener, mute, closed);
  } catch (error) {
    closed();
    throw error;
  }
}

/** The same call in writing. */
export async function openText(assistantId: string, listener: LineListener, signal: AbortSignal): Promise<Line> {
  const socket = await connect(assistantId, { provider: 'aywa.text' }, listener, signal);
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const message = wireMessage(data);
    if (message.type === 'agent-text') listener.written(Number(message.reply), String(message.text), message.final === true);
  };
  return lineOver(
    socket,
    listener,
    () => {},
    () => {},
  );
}

function lineOver(socket: WebSocket, listener: LineListener, mute: Line['mute'], release: () => void): Line {
  socket.onclose = () => {
    release();
    listener.closed();
  };
  // It may have closed while the sound was being set up.
  if (socket.readyState >= WebSocket.CLOSING) queueMicrotask(() => socket.onclose?.(new CloseEvent('close')));
  return {
    say: (text) => socket.send(JSON.stringify({ type: 'text', text })),
    mute,
    hangUp: () => socket.close(1000, 'hung up'),
  };
}

async function connect(
  assistantId: string,
  transport: Record<string, unknown>,
  listener: LineListener,
  signal: AbortSignal,
): Promise<WebSocket> {
  const call = await runtime.placeCall(assistantId, transport);
  const url = call.transport?.websocketCallUrl;
  if (!url) throw problemError({ kind: 'failed', message: 'The runtime gave no address for the call.', fix: '', faults: [] });
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(problemError(UNREACHED));
  });
  // From here on a failure shows as the socket's end.
  socket.onerror = null;
  if (signal.aborted) {
    socket.close();
    signal.throwIfAborted();
  }
  listener.placed(call);
  return socket;
}

function wireMessage(data: string): Record<string, unknown> {
  const message: unknown = JSON.parse(data);
  return typeof message === 'object' && message !== null ? { ...message } : {};
}

const UNREACHED = {
  kind: 'away',
  message: 'The line to the call could not be opened.',
  fix: 'A proxy in between must let websockets through, and RUNTIME_PUBLIC_URL must be an address that this browser reaches.',
  faults: [],
} as const;
