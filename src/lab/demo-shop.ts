/** The demo's small business: a bicycle workshop's assistant, the tool behind it, and a caller with a question. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scope } from '../kernel/scope.ts';

/** What the caller says, and when: after the agent has finished, or into the middle of its answer. */
export const CALLER: readonly { says: string; interrupts?: boolean }[] = [
  { says: 'Hello. Is my bicycle ready?' },
  { says: 'My order number is four seven two nine.' },
  { says: 'What did you do to it?' },
  { says: 'That is fine. When are you open?', interrupts: true },
  { says: 'Do you sell purple umbrellas for elephants?' },
  { says: 'Can I pick it up tomorrow morning?' },
  { says: 'Thank you very much. Goodbye.' },
];

export const SHOP = 'Hilltop Cycles';

/** The body of `POST /assistant`. Everything it says and understands is in its script. */
export function shopAssistant(toolUrl: string): Record<string, unknown> {
  return {
    name: SHOP,
    firstMessage: 'Hello, this is Hilltop Cycles. How can I help you?',
    model: {
      provider: 'lab',
      model: 'script',
      messages: [{ role: 'system', content: 'You answer the telephone of {{ assistant.name }}, a bicycle workshop.' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'find_repair',
            description: 'Finds a repair by its order number.',
            parameters: { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] },
          },
          server: { url: toolUrl },
          messages: [{ type: 'request-start', content: '' }],
        },
        { type: 'endCall' },
      ],
      otherwise: 'Sorry, I did not get that. Could you say it another way?',
      script: [
        {
          when: ['hello is my bicycle ready', 'is my bicycle ready', 'is my bike ready'],
          say: 'I will gladly look. What is your order number, please?',
        },
        {
          when: ['my order number is <digits>', 'it is <digits>', 'the number is <digits>', '<digits>'],
          say: 'Thank you, one moment.',
          tool: { name: 'find_repair', arguments: { order: '{digits}' } },
          answered: 'Good news. Your {result.bicycle} is {result.state}. It comes to {result.price}.',
          failed: 'I am sorry, I cannot find that order.',
        },
        {
          when: ['what did you do to it', 'what was wrong with it'],
          say: 'We fitted a new chain and new brake pads, we trued the rear wheel, we oiled the gears, and then our mechanic took it for a long test ride, up the hill and down again.',
        },
        {
          when: ['that is fine when are you open', 'when are you open', 'what are your opening hours'],
          say: 'We are open from nine to six, Monday to Saturday.',
        },
        {
          when: ['can i pick it up tomorrow morning', 'can i pick it up tomorrow', 'can i pick it up today'],
          say: 'Yes, of course. It is waiting for you at the counter.',
        },
        { when: ['how much is it', 'how much does it cost'], say: 'It comes to forty five dollars.' },
        { when: ['hello', 'good morning', 'good afternoon'], say: 'Hello. What can I do for you?' },
        { when: ['thank you', 'thank you very much'], say: 'You are welcome. Is there anything else?' },
        {
          when: ['thank you very much goodbye', 'thank you goodbye', 'goodbye', 'bye'],
          say: 'You are welcome. Have a good ride. Goodbye.',
          end: true,
        },
      ],
    },
    voice: { provider: 'lab', voiceId: 'slt' },
    transcriber: { provider: 'lab' },
  };
}

interface ToolMessage {
  readonly message: { readonly toolCallList: readonly { readonly id: string; readonly arguments: { readonly order?: string } }[] };
}

/** The workshop's own server: answers the assistant's tool as a user's webhook would. Gives its address. */
export async function startShop(scope: Scope): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      const { message } = JSON.parse(body) as ToolMessage;
      const results = message.toolCallList.map(({ id, arguments: { order } }) =>
        order === '4729'
          ? { toolCallId: id, result: { bicycle: 'blue touring bicycle', state: 'ready', price: 'forty five dollars' } }
          : { toolCallId: id, error: `There is no order ${order}.` },
      );
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
    });
  });
  await scope.wait(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  scope.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/repairs`;
}
