/** Anthropic on loopback: `POST /v1/messages` as a stream. Middle of the sentence: half of the events. */

import { type Answer, type Answers, type Frame, streamAnswer } from './script.ts';
import { type FakeVendor, startVendor } from './server.ts';

export function startFakeAnthropic(script: { readonly answers?: Answers } = {}): Promise<FakeVendor> {
  return startVendor({
    request(asked, response, vendor) {
      if (asked.url.pathname !== '/v1/messages') return void response.writeHead(404).end();
      const answer = script.answers?.(JSON.parse(asked.body.toString('utf8'))) ?? { text: ['Hello', ' there.'] };
      streamAnswer(response, answer, frames(answer), vendor.fault === 'close');
    },
  });
}

function frames(answer: Answer): Frame[] {
  const out: Frame[] = [];
  const frame = (type: string, fields: object, token = false) => {
    out.push({ data: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`, token });
  };
  frame('message_start', {
    message: { id: 'msg_fake', role: 'assistant', content: [], usage: { input_tokens: 15, cache_read_input_tokens: 5, output_tokens: 1 } },
  });
  let index = 0;
  const block = (content_block: object, deltas: readonly object[], token = false) => {
    frame('content_block_start', { index, content_block });
    for (const delta of deltas) frame('content_block_delta', { index, delta }, token);
    frame('content_block_stop', { index });
    index += 1;
  };
  if (answer.text) {
    block(
      { type: 'text', text: '' },
      answer.text.map((text) => ({ type: 'text_delta', text })),
      true,
    );
  }
  frame('ping', {});
  for (const { id, name, json } of answer.tools ?? []) {
    const middle = Math.ceil(json.length / 2);
    const parts = ['', json.slice(0, middle), json.slice(middle)];
    block(
      { type: 'tool_use', id, name, input: {} },
      parts.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    );
  }
  const stop_reason = answer.tools?.length ? 'tool_use' : 'end_turn';
  frame('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: answer.text?.length ?? 0 } });
  frame('message_stop', {});
  return out;
}
