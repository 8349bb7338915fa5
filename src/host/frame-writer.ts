/**
 * Websocket frames as one buffer each, written straight to the socket: the library writes header and payload apart and wants a buffer
 * per message, which is the largest single cost of a call. One scratch serves all calls of a host; it is given away only when the
 * kernel did not take a frame at once. Whole, unmasked frames only (RFC 6455 §5.2), so that the library's pings and close frames fit
 * between them. It never waits and never looks into a message.
 */
import type { Socket } from 'node:net';

export interface FrameWriter {
  /** One message of `length` bytes, which `write` fills in from `at` on. */
  frame(socket: Socket, length: number, binary: boolean, write: (target: Buffer, at: number) => void): void;
  message(socket: Socket, message: string | Uint8Array): void;
}

const SCRATCH = 64 * 1024;
const LONGEST_HEADER = 10;
const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;

export function frameWriter(): FrameWriter {
  let scratch = Buffer.allocUnsafeSlow(SCRATCH);

  const frame: FrameWriter['frame'] = (socket, length, binary, write) => {
    const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : LONGEST_HEADER;
    const total = headerLength + length;
    // A far end that is behind keeps what it is sent: each such frame has a buffer of its own size.
    const shared = total <= SCRATCH && socket.writableLength === 0;
    const target = shared ? scratch : Buffer.allocUnsafe(total);
    target[0] = binary ? FIN_BINARY : FIN_TEXT;
    if (length < 126) target[1] = length;
    else if (length < 65_536) {
      target[1] = 126;
      target.writeUInt16BE(length, 2);
    } else {
      target[1] = 127;
      target.writeUIntBE(0, 2, 4);
      target.writeUInt32BE(length, 6);
    }
    write(target, headerLength);
    socket.write(total === target.length ? target : target.subarray(0, total));
    // What the kernel did not take at once is read from the buffer later.
    if (shared && socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(SCRATCH);
  };

  let outgoing: string | Uint8Array = '';
  const fill = (target: Buffer, at: number) => {
    if (typeof outgoing === 'string') target.write(outgoing, at, 'utf8');
    else target.set(outgoing, at);
    outgoing = '';
  };
  return {
    frame,
    message(socket, message) {
      outgoing = message;
      const text = typeof message === 'string';
      frame(socket, text ? Buffer.byteLength(message) : message.length, !text, fill);
    },
  };
}
