/** The record of a call as Vapi's clients read it. */
import { describe, expect, it } from 'vitest';
import { type CallEventBody, END_REASONS } from '../../src/call/events.ts';
import { endedReasonOf } from '../../src/wire/ended-reason.ts';
import { clientMessages, foldRecord, messagesOpenAIFormatted, startRecord, transcriptOf } from '../../src/wire/messages.ts';
import { aCall, begun, created, EPOCH, ended, type Step, said, stamped, turn, words } from './a-call.ts';

const recordOf = (steps: readonly Step[]) => stamped('c', steps).reduce(foldRecord, startRecord());

describe('words that were never made final', () => {
  const connected: CallEventBody = { type: 'line.connected', carrier: 'websocket', encoding: 'pcm16', rate: 16000, facts: {} };
  const interim = { ...words('call me back', 500, 900), interim: true } as const;
  const late = { ...words('Call me back at five.', 510, 980), replaces: 500 } as const;
  const last = (steps: readonly Step[]) => recordOf(steps).messages.map((message) => ('message' in message ? message.message : ''));

  it('are the last words of a caller who hung up, in the words of the final when it came in time', () => {
    expect(
      last([
        [0, created],
        [100, connected],
        [1_000, interim],
        [1_200, ended()],
      ]),
    ).toEqual(['call me back']);
    expect(
      last([
        [0, created],
        [100, connected],
        [1_000, interim],
        [1_300, late],
        [1_400, ended()],
      ]),
    ).toEqual(['Call me back at five.']);
  });

  it('are not said again by a final that comes when they have been answered', () => {
    const steps: Step[] = [
      [0, created],
      [100, connected],
      [1_000, interim],
      [1_500, turn(1, 'call me back', 500, 900)],
    ];
    expect(last([...steps, [2_000, late], [2_500, ended()]])).toEqual(['call me back']);
  });
});

describe('the record', () => {
  it('holds the messages with their places in time', () => {
    const record = aCall().events.reduce(foldRecord, startRecord('Be kind.'));
    expect(record.messages).toEqual([
      { role: 'system', message: 'Be kind.', time: EPOCH, secondsFromStart: 0 },
      // Media time begins 100 ms into the call.
      { role: 'bot', message: 'Hello, this is Ada.', time: EPOCH + 250, endTime: EPOCH + 1250, duration: 1000, secondsFromStart: 0.25 },
      { role: 'user', message: 'Where is my order?', time: EPOCH + 2000, endTime: EPOCH + 3000, duration: 1000, secondsFromStart: 2 },
      {
        role: 'tool_calls',
        message: '',
        toolCalls: [{ id: 't1', type: 'function', function: { name: 'find_order', arguments: '{"number":7}' } }],
        time: EPOCH + 3700,
        secondsFromStart: 3.7,
      },
      { role: 'tool_call_result', toolCallId: 't1', name: 'find_order', result: 'on its way', time: EPOCH + 4000, secondsFromStart: 4 },
      { role: 'bot', message: 'It is on its way.', time: EPOCH + 4300, endTime: EPOCH + 6000, duration: 1700, secondsFromStart: 4.3 },
    ]);
    expect(transcriptOf(record)).toBe('AI: Hello, this is Ada.\nUser: Where is my order?\nAI: It is on its way.\n');
    expect(messagesOpenAIFormatted(record.messages).map((message) => message.role)).toEqual([
      'system',
      'assistant',
      'user',
      'assistant',
      'tool',
      'assistant',
    ]);
    expect(record).toMatchObject({ status: 'ended', endedReason: 'customer-ended-call', durationMs: 9000, answeredAt: EPOCH + 100 });
  });

  it('says once what came back after a reply that nobody heard', () => {
    const record = recordOf([
      [0, created],
      [100, turn(1, 'Where is')],
      [100, begun(1, 1)],
      [200, { type: 'reply.cut', reply: 1, by: 'caller' }],
      [400, turn(1, 'Where is my order?')],
      [400, begun(2, 1)],
      [500, { type: 'reply.audible', reply: 2 }],
      [900, said(2, 'On its way.', 0, 0)],
      [1200, turn(2, 'Where is')],
    ]);
    expect(transcriptOf(record)).toBe('User: Where is my order?\nAI: On its way.\nUser: Where is\n');
  });

  it('keeps the words that no turn took before the end', () => {
    const record = recordOf([
      [0, created],
      [100, words('Well,')],
      [200, words('goodbye.')],
      [300, ended()],
    ]);
    expect(transcriptOf(record)).toBe('User: Well, goodbye.\n');
  });

  it('puts the calls of one model turn into one message, those of the next into another', () => {
    const call = (id: string) => ({ type: 'tool.called', reply: 1, id, name: 'look', arguments: {} }) as const;
    const answer = (id: string) => ({ type: 'tool.answered', reply: 1, id, name: 'look', ok: true, result: 'x', tookMs: 1 }) as const;
    const record = recordOf([
      [0, created],
      [1, call('a')],
      [1, call('b')],
      [2, answer('a')],
      [3, answer('b')],
      [4, call('c')],
    ]);
    expect(
      record.messages.map((message) => (message.role === 'tool_calls' ? message.toolCalls.map(({ id }) => id) : message.role)),
    ).toEqual([['a', 'b'], 'tool_call_result', 'tool_call_result', ['c']]);
  });
});

describe('client messages', () => {
  it('come in the order that clients know', () => {
    const record = startRecord();
    const lines = aCall().events.flatMap((event) =>
      clientMessages(event, foldRecord(record, event)).map((message) =>
        [message.type, message.status, message.role, message.transcriptType].filter(Boolean).join(' '),
      ),
    );
    expect(lines).toEqual([
      'status-update in-progress',
      'assistant.started',
      'speech-update started assistant',
      'speech-update stopped assistant',
      'transcript assistant final',
      'conversation-update',
      'speech-update started user',
      'speech-update stopped user',
      'transcript user final',
      'conversation-update',
      'tool-calls',
      'conversation-update',
      'tool-calls-result',
      'conversation-update',
      'speech-update started assistant',
      'speech-update stopped assistant',
      'transcript assistant final',
      'conversation-update',
      'status-update ended',
    ]);
  });

  it('report an interruption only of a reply that could be heard', () => {
    const interruptions = (audible: boolean) => {
      const record = startRecord();
      const cut: Step = [300, { type: 'reply.cut', reply: 1, by: 'caller' }];
      const steps: Step[] = [
        [0, created],
        [100, begun(1, null)],
        ...(audible ? [[200, { type: 'reply.audible', reply: 1 }] as Step] : []),
        cut,
      ];
      const all = stamped('c', steps).flatMap((event) => clientMessages(event, foldRecord(record, event)));
      return all.filter((message) => message.type === 'user-interrupted').length;
    };
    expect([interruptions(true), interruptions(false)]).toEqual([1, 0]);
  });
});

describe('the ended reason', () => {
  it('names the vendor that failed where Vapi has a name for it', () => {
    const failed = (provider: string) =>
      recordOf([
        [0, created],
        [10, { type: 'provider.failed', kind: 'llm', provider, code: 'provider_auth', detail: 'no', final: true }],
        [20, ended('llm-failed')],
      ]).endedReason;
    expect(failed('openai')).toBe('pipeline-error-openai-llm-failed');
    expect(failed('lab')).toBe('call.in-progress.error-pipeline-no-available-llm-model');
    expect(endedReasonOf('tts-failed', '11labs', 'web')).toBe('pipeline-error-eleven-labs-voice-failed');
    expect(endedReasonOf('stt-failed', 'deepgram', 'web')).toBe('pipeline-error-deepgram-transcriber-failed');
  });

  it('has a published name for each of ours', () => {
    for (const reason of END_REASONS) expect(endedReasonOf(reason, null, 'phone-inbound')).toMatch(/^[a-z0-9.-]+$/);
  });
});
