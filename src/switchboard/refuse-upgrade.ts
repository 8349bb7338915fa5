/** Refuses a websocket upgrade in plain HTTP: the answer that a client's library shows to whoever looks for the reason. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { AywaError } from '../kernel/errors.ts';

/** Answers with the error's status and sentence, then lets go of the socket. Never throws. */
export function refuseUpgrade(socket: Socket, error: AywaError): void {
  const body = JSON.stringify({ message: error.message, code: error.code, fix: error.fix, statusCode: error.status });
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(error.retryAfter === undefined ? [] : [`retry-after: ${error.retryAfter}`]),
  ];
  socket.on('error', () => {});
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
