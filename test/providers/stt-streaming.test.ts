/** What a codec of ears may do, with small made-up ones over a true socket: ask before it connects, keep alive in binary, end in good order. */
import { afterEach, describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../src/kernel/clock.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import type { ProviderContext } from '../../src/providers/contract.ts';
import { refusal } from '../../src/providers/faults.ts';
import type { Ears } from '../../src/providers/stt/contract.ts';
import { type EarsCodec, type StreamingEars, streamingEars } from '../../src/providers/stt/streaming.ts';
import { type FakeVendor, type Protocol, type Socket, startVendor } from '../fakes/vendors/server.ts';
import { context, earsOnTape, earsRecorder, KEY, MULAW, type TestContext } from './kit.ts';

let vendor: FakeVendor | undefined;
let ctx: TestContext | undefined;
afterEach(async () => {
  await ctx?.scope.close('test over');
  await vendor?.close();
  expect(ctx?.leaks ?? []).toEqual([]);
});

type Options = Pick<StreamingEars, 'codec'> & Partial<Pick<StreamingEars, 'keepAlive'>>;

async function listen(protocol: Protocol, options: (url: string) => Options, clock?: VirtualClock) {
  const server = await startVendor(protocol);
  vendor = server;
  const run = context(clock);
  ctx = run;
  const recorder = earsRecorder();
  const ears: Ears = earsOnTape(MULAW, (history) =>
    streamingEars({
      vendor: { name: 'hark', kind: 'stt', env: 'HARK' },
      access: { apiKey: KEY, baseUrl: server.url },
      hearing: { format: MULAW, history },
      listener: recorder.listener,
      ctx: run,
      ...options(server.url),
    }),
  );
  const speak = (ms: number) => {
    for (let at = 0; at < ms; at += 20) ears.write(new Uint8Array(160).fill(0xff));
  };
  return { ears, speak, server, run, ...recorder };
}

/** Says `{"words", "end"}` in milliseconds. */
const reads: EarsCodec['decode'] = (message, recognised) => {
  const { words, end } = JSON.parse(String(message)) as { words: string; end: number };
  recognised({ type: 'final', text: words, from: 0, to: end });
};

describe('a codec that asks before it connects', () => {
  /** A token is good for one connection; `answer` is what the one who gives them says. */
  const asking = (answer: { status: number; body: string }): Protocol => {
    let tokens = 0;
    return {
      request(_asked, response) {
        tokens += 1;
        response.writeHead(answer.status).end(answer.body || JSON.stringify({ token: `t${tokens}` }));
      },
      socket: (socket) => socket.onMessage(() => socket.send({ words: socket.asked.url.searchParams.get('token'), end: 100 })),
    };
  };
  const codec =
    (url: string) =>
    async (within: ProviderContext): Promise<EarsCodec> => {
      const answer = await within.egress.http({ url: `${url}/token`, method: 'POST' }, within.scope);
      const body = await answer.text();
      if (answer.status !== 200) throw refusal(answer.status, url, body);
      const { token } = JSON.parse(body) as { token: string };
      return { request: { url: `${url}/hear?token=${token}` }, decode: reads };
    };

  it('hears what was said meanwhile, and asks anew for each connection', async () => {
    const { speak, until, events, server } = await listen(asking({ status: 200, body: '' }), (url) => ({ codec: codec(url) }));
    speak(100);
    expect(await until('final')).toMatchObject({ text: 't1', from: 0, to: 100 });
    server.drop();
    await until('reconnecting');
    speak(100);
    await events.until((all) => all.some((event) => event.type === 'final' && event.text === 't2'));
  });

  it.each<[string, { status: number; body: string }, ErrorCode, string]>([
    ['a refused key', { status: 401, body: '{"error":"no"}' }, 'provider_auth', 'HARK_API_KEY'],
    ['an empty account', { status: 402, body: '{"error":"insufficient credits"}' }, 'provider_quota', 'HARK_API_KEY'],
    ['a wrong request', { status: 400, body: '{"error":"no such model"}' }, 'provider_invalid', 'no such model'],
  ])("tells %s as the vendor's fault, in words", async (_, answer, code, word) => {
    const { until, events } = await listen(asking(answer), (url) => ({ codec: codec(url) }));
    const { error } = await until('failed');
    expect(error.code).toBe(code);
    expect(error.message).toContain('hark');
    expect(error.message).toContain(word);
    expect(events.items).toHaveLength(1);
  });

  it.each<[string, Protocol, Options['codec'] | undefined, ErrorCode]>([
    ['what is no answer', asking({ status: 200, body: '<html>' }), undefined, 'provider_garbage'],
    [
      'a codec that throws',
      {},
      () => {
        throw new TypeError('broken');
      },
      'provider_garbage',
    ],
    ['silence', {}, () => new Promise(() => {}), 'timeout'],
  ])('tries again after %s, then gives up', async (_, protocol, other, code) => {
    const clock = new VirtualClock();
    const { events } = await listen(protocol, (url) => ({ codec: other ?? codec(url) }), clock);
    while (!events.items.some((event) => event.type === 'failed')) {
      await settle();
      if (clock.next !== undefined && clock.next <= 3_000) await clock.advance(other ? clock.next : Math.min(clock.next, 400));
    }
    expect(events.items.map((event) => event.type)).toEqual(['reconnecting', 'reconnecting', 'reconnecting', 'failed']);
    expect(events.items.at(-1)).toMatchObject({ error: { code, message: expect.stringContaining('hark') } });
  });

  it('is left alone when the call is over', async () => {
    let asked: ProviderContext | undefined;
    const { run, events } = await listen({}, () => ({
      codec(within) {
        asked = within;
        return new Promise(() => {});
      },
    }));
    await run.scope.close('call over');
    expect(asked?.scope.closed).toBe(true);
    expect(events.items).toEqual([]);
  });
});

describe('a quiet connection', () => {
  const numbers = [1, 2, 3, 4];
  it.each<[string, string | Uint8Array | (() => Uint8Array), unknown[]]>([
    ['text', '{"type":"KeepAlive"}', [{ type: 'KeepAlive' }, { type: 'KeepAlive' }]],
    ['bytes', Uint8Array.of(1, 2), [Buffer.of(1, 2), Buffer.of(1, 2)]],
    ['bytes that are new each time', () => Uint8Array.of(numbers.shift() ?? 0), [Buffer.of(1), Buffer.of(2)]],
  ])('is kept alive by %s', async (_, message, expected) => {
    const clock = new VirtualClock();
    const got: unknown[] = [];
    const protocol = { socket: (socket: Socket) => socket.onMessage((each) => got.push(each)) };
    const options = (url: string) => ({ codec: () => ({ request: { url }, decode: reads }), keepAlive: { message, everyMs: 1_000 } });
    const { server } = await listen(protocol, options, clock);
    await server.until(({ stats }) => stats.open === 1);
    while (got.length < 2) {
      await settle();
      await clock.advance(500);
    }
    expect(got.slice(0, 2)).toEqual(expected);
  });
});

describe('the end in good order', () => {
  const codec = (url: string): EarsCodec => ({
    request: { url },
    flush: '{"ask":"final"}',
    closing: () => ['{"ask":"end"}', Uint8Array.of(0)],
    decode: reads,
  });
  /** The server's side of one connection, and what it was told beside audio. */
  const serving = (ended: (socket: Socket, connection: number) => void): Protocol & { readonly told: unknown[] } => {
    const told: unknown[] = [];
    let connections = 0;
    return {
      told,
      socket(socket) {
        connections += 1;
        const mine = connections;
        socket.onMessage((message) => {
          if (Buffer.isBuffer(message) && message.length > 1) return;
          told.push(message);
          if (Buffer.isBuffer(message)) ended(socket, mine);
        });
      },
    };
  };

  it('asks with words, and is over when the vendor has said the last of them and closes', async () => {
    const server = serving((socket) => {
      socket.send({ words: 'call me back', end: 100 });
      socket.send({ words: 'at five', end: 200 });
      socket.close(1000);
    });
    const { ears, speak, events, until } = await listen(server, (url) => ({ codec: () => codec(url) }));
    speak(200);
    await ears.finish?.();
    expect(events.items).toMatchObject([{ text: 'call me back' }, { text: 'at five' }]);
    expect(server.told).toEqual([{ ask: 'final' }, { ask: 'end' }, Buffer.of(0)]);
    await until('final');
    speak(20);
    expect(events.items).toHaveLength(2);
  });

  it('asks another connection when the first breaks over it', async () => {
    const server = serving((socket, connection) => {
      if (connection === 1) return socket.close(1011);
      socket.send({ words: 'at five', end: 200 });
      socket.close(1000);
    });
    const { ears, speak, events } = await listen(server, (url) => ({ codec: () => codec(url) }));
    speak(200);
    await ears.finish?.();
    expect(events.items.map((event) => event.type)).toEqual(['reconnecting', 'final']);
  });

  it('is the next final where the vendor knows no words for it', async () => {
    const protocol = {
      socket: (socket: Socket) => socket.onMessage((message) => Buffer.isBuffer(message) || socket.send({ words: 'at five', end: 200 })),
    };
    const { ears, speak, events } = await listen(protocol, (url) => ({
      codec: () => ({ request: { url }, flush: '{"ask":"final"}', decode: reads }),
    }));
    speak(200);
    await ears.finish?.();
    expect(events.items).toMatchObject([{ type: 'final', text: 'at five' }]);
  });
});

it('no word of a connection counts after its error report', async () => {
  const protocol = {
    socket: (socket: Socket) =>
      socket.onMessage(() => {
        for (const each of ['broken', { words: 'one', end: 20 }, { error: 'no such model' }, { words: 'two', end: 40 }]) socket.send(each);
      }),
  };
  const decode: EarsCodec['decode'] = (message, recognised) => {
    if (String(message).includes('error')) throw refusal(400, '', String(message));
    reads(message, recognised);
  };
  const { speak, until, events } = await listen(protocol, (url) => ({ codec: () => ({ request: { url }, decode }) }));
  speak(20);
  await until('failed');
  expect(events.items.map((event) => event.type)).toEqual(['final', 'failed']);
});
