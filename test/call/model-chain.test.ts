/** Models in a row, on the virtual clock: who is waited for how long, who goes on, and what is counted. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createModelChain } from '../../src/call/answer/model-chain.ts';
import type { CallEventBody } from '../../src/call/events.ts';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import type { ProviderSet } from '../../src/providers/contract.ts';
import type { LanguageModel, PromptRequest, Said } from '../../src/providers/llm/contract.ts';

/** Milliseconds to wait, or what to say. */
type Step = number | string | Exclude<Said, { type: 'text' }> | AywaError;
const alive: Step = { type: 'alive' };
const done: Step = { type: 'done', usage: { promptTokens: 10, completionTokens: 2 }, finish: 'stop' };
const call: Step = { type: 'tool', call: { id: 't', name: 'book', arguments: { at: 7 } } };
const never = 3_600_000;
const every = (ms: number, times: number, step: Step): Step[] => Array.from({ length: times }, () => [ms, step]).flat();

interface Play {
  readonly at: number;
  readonly text: string;
  readonly tools: number;
  readonly code: string | undefined;
  readonly requests: readonly PromptRequest[];
  readonly told: readonly CallEventBody[];
  /** When each text came. */
  readonly texts: readonly (readonly [number, string])[];
  readonly timersLeft: number;
}

async function play(scripts: readonly (readonly Step[])[], settings: readonly object[] = [], cutAt?: number): Promise<Play> {
  const clock = new VirtualClock();
  const root = rootScope('test', { clock });
  const scope = root.child('reply');
  const requests: PromptRequest[] = [];
  const model = (steps: readonly Step[]): LanguageModel => ({
    kind: 'llm',
    name: 'm',
    env: 'M',
    origin: '',
    needsKey: false,
    settings: z.record(z.string(), z.unknown()),
    async *reply(request, _settings, _access, ctx: { scope: Scope }) {
      requests.push(request);
      for (const step of steps) {
        if (typeof step === 'number') await clock.sleep(step, ctx.scope);
        else if (step instanceof AywaError) throw step;
        else yield typeof step === 'string' ? { type: 'text', text: step } : step;
      }
    },
  });
  const models = scripts.map(model);
  const providers: ProviderSet = { stt: () => undefined, tts: () => undefined, llm: (name) => models[Number(name)] };
  const [first, ...rest] = scripts.map((_, index) => ({
    provider: String(index),
    settings: { model: `m${index}`, ...settings[index] },
    access: { apiKey: '', baseUrl: '' },
  }));
  if (!first) throw new Error('a chain has a model');
  const chain = createModelChain(() => [first, ...rest], providers);
  const told: CallEventBody[] = [];
  const texts: [number, string][] = [];
  let tools = 0;
  let code: string | undefined;
  let at = 0;
  const request = { messages: [{ role: 'user', content: 'Where is my order?' } as const], tools: [] };
  const ctx = { scope, egress: { http: refuse, socket: refuse, opened: { http: 0, sockets: 0 } }, log: silentLog };
  scope.spawn('read', async () => {
    try {
      for await (const said of chain.answer(request, ctx, (event) => told.push(event))) {
        if (said.type === 'text') texts.push([clock.now(), said.text]);
        if (said.type === 'tool') tools += 1;
      }
    } catch (error) {
      code = error instanceof AywaError ? error.code : String(error);
    }
    at = clock.now();
  });
  if (cutAt !== undefined) clock.timer(cutAt, () => void scope.close('cut'));
  await clock.advance(120_000);
  const timersLeft = clock.waiting;
  await root.close('done');
  return { at, text: texts.map(([, text]) => text).join(''), tools, code, requests, told, texts, timersLeft };
}
const refuse = () => Promise.reject(new AywaError('egress_denied'));
const ofType = <T extends CallEventBody['type']>(told: readonly CallEventBody[], type: T) =>
  told.filter((event): event is Extract<CallEventBody, { type: T }> => event.type === type);

describe('a model that is busy is not dead', () => {
  it.each<[string, Step[], object, string]>([
    ['long arguments after a sentence', ['Let me book that. ', ...every(250, 20, alive), call, done], {}, 'Let me book that. '],
    ['keep-alives every second inside an answer', ['Hang on. ', ...every(1_000, 8, alive), 'It left.', done], {}, 'Hang on. It left.'],
    ['keep-alives with pauses of 2.5 s', ['Hang on. ', 1_000, alive, ...every(2_500, 4, alive), 'It left.', done], {}, 'Hang on. It left.'],
    ['thoughts before the first word', [...every(500, 10, alive), 'It left.', done], {}, 'It left.'],
    ['a granted pause without any sign', ['Hang on. ', 4_000, 'It left.', done], { timeoutSeconds: 20 }, 'Hang on. It left.'],
    ['a granted time to the first word', [9_000, 'It left.', done], { timeoutSeconds: 10 }, 'It left.'],
    [
      'work of a minute with granted time',
      ['Hang on. ', ...every(15_000, 3, alive), 'It left.', done],
      { timeoutSeconds: 60 },
      'Hang on. It left.',
    ],
  ])('%s', async (_name, steps, settings, text) => {
    const played = await play([steps], [settings]);
    expect(played).toMatchObject({ text, code: undefined, timersLeft: 0 });
    expect(ofType(played.told, 'provider.failed')).toEqual([]);
  });

  it.each<[string, Step[], object, number]>([
    ['silent from the start', [never], {}, 2_300],
    ['silent inside an answer', [100, 'It ', never], {}, 1_600],
    ['signs of life and no word, for ever', every(500, 400, alive), {}, 8_000],
    ['a sign of life, then nothing', [500, alive, never], {}, 3_500],
    ['signs of life behind a word, for ever', [0, 'It ', ...every(500, 400, alive)], {}, 30_000],
    ['silent for longer than granted', [never], { timeoutSeconds: 1 }, 1_000],
    ['signs of life beyond what was granted', every(500, 400, alive), { timeoutSeconds: 5 }, 5_000],
  ])('%s is given up', async (_name, steps, settings, at) => {
    expect(await play([steps], [settings])).toMatchObject({ code: 'provider_timeout', at, timersLeft: 0 });
  });
});

describe('one patience for all models', () => {
  it.each([1, 2, 3, 4, 6])('%i that hang take 2.3 s together', async (count) => {
    const { at, code } = await play(Array.from({ length: count }, () => [never]));
    expect(code).toBe('provider_timeout');
    expect(at).toBeGreaterThanOrEqual(2_200);
    expect(at).toBeLessThanOrEqual(2_400);
  });

  it('the second one has its time after one that refused at once', async () => {
    const { text } = await play([[new AywaError('provider_quota')], [2_000, 'It left.', done]]);
    expect(text).toBe('It left.');
  });
});

describe('an answer that breaks off goes on with the second model', () => {
  const written = 'It left this morning, and it ';
  it.each<[string, Step[], string]>([
    ['goes on', ['will be ', 'there soon.', done], 'It left this morning, and it will be there soon.'],
    ['goes on with a space', [' will be there soon.', done], 'It left this morning, and it will be there soon.'],
    ['begins anew', ['It left ', 'this morning, ', 'and it will be there soon.', done], 'It left this morning, and it will be there soon.'],
    ['repeats the last words', ['and it ', 'will be there soon.', done], 'It left this morning, and it will be there soon.'],
    ['says something else', ['should come soon.', done], 'It left this morning, and it should come soon.'],
    ['calls a tool', [call, done], 'It left this morning, and it '],
  ])('which %s', async (_name, second, text) => {
    for (const broken of [[written, never], [written, new AywaError('provider_network')], [written]]) {
      const played = await play([broken, second]);
      expect(played.text).toBe(text);
      expect(played.code).toBeUndefined();
      expect(ofType(played.told, 'provider.failed')).toMatchObject([{ provider: '0', final: false }]);
      expect(ofType(played.told, 'provider.switched')).toHaveLength(1);
      expect(played.requests[1]?.messages).toMatchObject([
        { role: 'user' },
        { role: 'assistant', content: 'It left this morning, and it' },
        { role: 'system', content: expect.stringContaining('this morning, and it') },
      ]);
    }
  });

  it.each<[string, string, string, string]>([
    ['a word that was not over', 'It comes tomor', 'tomorrow at nine.', 'It comes tomorrow at nine.'],
    ['its end', 'It comes tomor', 'row at nine.', 'It comes tomor row at nine.'],
    ['a whole last word', 'It comes today', ' at nine.', 'It comes today at nine.'],
    ['a whole last word again', 'It comes today', 'today at nine.', 'It comes today at nine.'],
    ['a sentence that was over', 'It has left.', 'It comes tomorrow.', 'It has left. It comes tomorrow.'],
    ['Chinese', '您的订单', '已经发货。', '您的订单已经发货。'],
    ['Thai', 'สวัสดี', 'ครับ', 'สวัสดีครับ'],
    ['Korean', '주문은', '오늘 출발했습니다.', '주문은 오늘 출발했습니다.'],
  ])('%s: "%s" + "%s"', async (_name, written, more, text) => {
    for (const pieces of [[more], [...more]]) {
      expect(
        (
          await play([
            [written, new AywaError('provider_network')],
            [...pieces, done],
          ])
        ).text,
      ).toBe(text);
    }
  });

  it('and with the third when the second breaks off, too', async () => {
    const { text, requests } = await play([
      ['It left ', never],
      ['this morning ', never],
      ['at nine.', done],
    ]);
    expect(text).toBe('It left this morning at nine.');
    expect(requests[2]?.messages.at(-2)).toMatchObject({ role: 'assistant', content: 'It left this morning' });
  });

  it('what one model began to call is not called when it broke off', async () => {
    const { tools, requests } = await play([
      [call, never],
      [call, done],
    ]);
    expect(tools).toBe(1);
    expect(requests[1]?.messages).toHaveLength(1);
  });
});

describe('usage', () => {
  const counted = (told: readonly CallEventBody[]) =>
    ofType(told, 'usage.counted').map(({ provider, quantity, completionTokens, estimated }) => [
      provider,
      quantity,
      completionTokens,
      estimated,
    ]);
  it.each<[string, Step[][], number | undefined, unknown[]]>([
    ['what the vendor says', [['Hi.', done]], undefined, [['0', 10, 2, undefined]]],
    [
      'an estimate where the vendor estimates',
      [['Hi.', { type: 'done', usage: { promptTokens: 3, completionTokens: 1, estimated: true }, finish: 'stop' }]],
      undefined,
      [['0', 3, 1, true]],
    ],
    ['an estimate for an answer that was cut', [[100, 'It left this morning.', never]], 500, [['0', 5, 6, true]]],
    ['the prompt of an answer that was cut before its first word', [[never]], 500, [['0', 5, 0, true]]],
    [
      'an answer that broke off, and who went on with it',
      [
        ['It left ', never],
        ['today.', done],
      ],
      undefined,
      [
        ['0', 5, 2, true],
        ['1', 10, 2, undefined],
      ],
    ],
    ['nothing of a vendor that refused', [[new AywaError('provider_auth')], ['Hi.', done]], undefined, [['1', 10, 2, undefined]]],
    ['nothing of a vendor that was silent', [[never], ['Hi.', done]], undefined, [['1', 10, 2, undefined]]],
    [
      'a vendor that worked and said nothing',
      [
        [100, alive, never],
        ['Hi.', done],
      ],
      undefined,
      [
        ['0', 5, 0, true],
        ['1', 10, 2, undefined],
      ],
    ],
  ])('%s', async (_name, scripts, cutAt, expected) => {
    expect(counted((await play(scripts, [], cutAt)).told)).toEqual(expected);
  });
});
