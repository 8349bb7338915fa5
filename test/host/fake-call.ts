/**
 * A call without a conversation, for tests of what is around one: it echoes audio, answers every control command with an event, and
 * does on demand what a call must never do. Its events have the shape and order of a real call's.
 */
import type { Call, CallDeps } from '../../src/call/call.ts';
import type { CallEventBody, EndReason } from '../../src/call/events.ts';
import type { Line } from '../../src/carriers/carrier.ts';
import { withDeadline } from '../../src/kernel/scope.ts';

export function startFakeCall(deps: CallDeps): Call {
  const { plan, clock, scope, desk } = deps;
  const ended = Promise.withResolvers<void>();
  const started = clock.now();
  let seq = 0;
  let line: Line | undefined;
  /** Holds out for another leg when one breaks. */
  const waits = plan.agent.name === 'waits for its leg';
  let over = false;

  let last = false;
  const append = (body: CallEventBody) => {
    if (last) return;
    last = body.type === 'call.ended';
    seq += 1;
    deps.onEvent({ ...body, call: plan.call, seq, at: clock.now() - started, wall: clock.wall() });
  };
  const end = (reason: EndReason, detail: string) => {
    if (over) return;
    over = true;
    const finish = () => {
      append({ type: 'call.ended', reason, detail, durationMs: 0 });
      ended.resolve();
      void scope.close('ended');
    };
    if (!line) return finish();
    void line.hangUp(reason).then(finish, finish);
  };
  const command = (name: string, text: string | null) => append({ type: 'control.received', command: name, text });

  if (plan.agent.name === 'refuses to start') throw new Error('planted: no start');
  append({
    type: 'call.created',
    channel: plan.channel,
    // A test that kills the process asks for its id by this name.
    agent: plan.agent.name === 'pid' ? `pid ${process.pid}` : plan.agent.name,
    assistantId: plan.agent.assistantId,
    from: plan.from,
    to: plan.to,
    node: deps.node,
    host: deps.host,
  });

  return {
    id: plan.call,
    ended: ended.promise,
    end,
    enter() {},
    progress(state, carrier, providerCallId) {
      if (state === 'dialing') append({ type: 'call.dialing', carrier, providerCallId });
      else append({ type: state === 'ringing' ? 'call.ringing' : 'call.answered' });
    },
    attach(attached) {
      line = attached;
      command('leg', attached.id);
      const { carrier, format, facts } = attached;
      append({ type: 'line.connected', carrier, encoding: format.encoding, rate: format.rate, facts: { ...facts } });
      append({ type: 'call.answered' });
      attached.listen({
        audio: (bytes) => attached.send(bytes),
        signal(signal) {
          if (signal.type === 'malformed') append({ type: 'line.malformed', code: signal.code, detail: signal.detail, count: 1 });
          else if (signal.type === 'mark') command('mark', signal.name);
          else if (signal.type === 'text') command('text', signal.text);
          else if (signal.type === 'ended') {
            append({ type: 'line.ended', by: signal.by, detail: signal.detail });
            if (waits && (signal.by === 'network' || signal.by === 'carrier')) return append({ type: 'line.held', on: true, why: 'lost' });
            end(signal.by === 'network' ? 'carrier-lost' : 'caller-hung-up', signal.detail);
          }
        },
      });
    },
    control(control) {
      const text = control.type === 'say' ? control.text : null;
      command(control.type, text);
      if (control.type === 'end') end('api', 'asked to');
      if (text === 'throw') throw new Error('planted: control');
      if (text === 'throw in a task') {
        scope.spawn('planted', async () => {
          throw new Error('planted: task');
        });
      }
      if (text === 'throw outside of every call') {
        clock.timer(0, () => {
          throw new Error('planted: timer');
        });
      }
      if (text === 'flood') for (let i = 0; i < 2_000 && line; i += 1) line.send(new Uint8Array(32 * 1024));
      if (text === 'ask') {
        const question = { type: 'tool-calls' as const, call: plan.call, calls: [], timeoutMs: 100 };
        scope.spawn('ask', async () => {
          const asked = withDeadline(scope, 'ask', question.timeoutMs, (within) => desk.ask(question, within));
          const answer = await asked.catch((error: Error & { code?: string }) => error);
          command('answered', 'results' in answer ? (answer.results[0]?.result ?? '') : String(answer.code));
        });
      }
    },
  };
}
