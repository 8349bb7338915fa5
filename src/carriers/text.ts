/** A conversation in writing: JSON both ways, no audio. The same call as a spoken one; what is sent counts as read. */
import { clientSignal } from './client.ts';
import { CANNOT, noVerbs, onSocket } from './connector.ts';
import { closedBy, delivery, jsonObject } from './delivery.ts';

export const textLine = onSocket('text', async (socket, expectation, ctx) => {
  const arrived = delivery((detail) => socket.close(1008, detail));
  socket.onMessage((message, binary) => {
    const wire = binary ? undefined : jsonObject(message);
    const signal = wire && clientSignal(wire);
    if (signal) arrived.signal(signal);
    else arrived.malformed(wire ? 'A message whose fields are not right.' : 'Not a JSON object.');
  });
  socket.onClose((code, reason) => arrived.ended(closedBy(code, 'caller'), reason || `closed with ${code}`));
  return {
    ...noVerbs('text'),
    id: ctx.id,
    carrier: 'text',
    format: expectation.format,
    can: {
      clear: false,
      mark: false,
      dtmf: false,
      ...CANNOT,
      audio: false,
      leadMs: 0,
    },
    facts: {},
    listen: arrived.listen,
    send() {},
    mark() {},
    clear() {},
    tell: (message) => socket.send(JSON.stringify(message)),
    hangUp: async () => socket.close(1000, 'ended'),
  };
});
