/** Gemini on loopback: `:streamGenerateContent?alt=sse`, under `/v1beta`. Middle of the sentence: half of the chunks. */

import { type Answer, type Answers, type Frame, streamAnswer } from './script.ts';
import { type FakeVendor, startVendor } from './server.ts';

/** Base URL is `<url>/v1beta`. */
export function startFakeGoogle(script: { readonly answers?: Answers } = {}): Promise<FakeVendor> {
  return startVendor({
    request(asked, response, vendor) {
      if (!asked.url.pathname.endsWith(':streamGenerateContent')) return void response.writeHead(404).end();
      const answer = script.answers?.(JSON.parse(asked.body.toString('utf8'))) ?? { text: ['Hello', ' there.'] };
      streamAnswer(response, answer, frames(answer), vendor.fault === 'close');
    },
  });
}

function frames(answer: Answer): Frame[] {
  const usageMetadata = { promptTokenCount: 20, candidatesTokenCount: answer.text?.length ?? 0, cachedContentTokenCount: 5 };
  const frame = (parts: object[], finishReason?: string): Frame => ({
    data: `data: ${JSON.stringify({ candidates: [{ content: { role: 'model', parts }, index: 0, finishReason }], usageMetadata })}\r\n\r\n`,
  });
  return [
    ...(answer.text ?? []).map((text) => ({ ...frame([{ text }]), token: true })),
    ...(answer.tools ?? []).map(({ id, name, json }) =>
      frame([{ functionCall: { id, name, args: JSON.parse(json) }, thoughtSignature: `seal-${id}` }]),
    ),
    frame([{ text: '' }], 'STOP'),
  ];
}
