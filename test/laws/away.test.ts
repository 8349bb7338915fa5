/** Callers who cannot be spoken to, played through the turn table by hand: on hold, lost, given away, not known to be a person. */
import { describe, expect, it } from 'vitest';
import { type Input, type Saying, TURN_START } from '../../src/call/turn/turn-state.ts';
import { step } from '../../src/call/turn/turn-taking.ts';
import { agent, inWords, say, saying, story, type Untimed } from './story.ts';

describe('a caller who is away', () => {
  const hold = (on: boolean, why: 'asked' | 'lost' = 'asked'): Untimed => ({ type: 'hold', on, why });
  const back = (text: string | null = null, cause: Saying['cause'] = 'say'): Untimed => ({
    type: 'connected',
    saying: text === null ? null : saying({ text, cause }),
  });
  const speaking = () =>
    story()
      .at(0, say({ text: 'It is a long story.' }))
      .at(10, { type: 'audible', reply: 1 })
      .at(11, { type: 'said', text: '' });

  it('on hold hears nothing, and the reply goes on afterwards', () => {
    const { told, state } = speaking()
      .at(500, hold(true))
      .at(600, say())
      .says(700, 'Hello?')
      .at(900, hold(false))
      .heard(950)
      .heard(1_060)
      .until(3_000);
    expect(told).toEqual(['0 say', '500 duck', '900 resume', '1050 say', expect.stringContaining('asked "Hello?"')]);
    expect(state.phase).toBe('listening');
  });

  it('lost has heard what was heard, and is answered when the leg is back', () => {
    const { told } = speaking().at(500, hold(true, 'lost')).says(600, 'Are you there').at(5_000, back()).until(6_000);
    expect(told).toEqual(['0 say', '500 cut by failure', '5300 turn asked "Are you there"']);
  });

  it.each([
    ['a greeting again to somebody who heard nothing', '', 'Hello.', ['5000 first-message']],
    ['no greeting to somebody who heard one', 'Hello.', 'Hello.', []],
  ])('comes back to %s', (_, lastSaid, text, told) => {
    const met = story().at(1, { type: 'said', text: lastSaid }).at(2, hold(true, 'lost')).at(5_000, back(text, 'first-message'));
    expect(met.told).toEqual(told);
  });

  it.each([
    ['lost for good', hold(true, 'lost'), '20500 closing: carrier-lost'],
    ['forgotten on hold', hold(true), '600000 closing: duration'],
  ])('%s is hung up', (_, input, last) => {
    expect(story().at(500, input).until(3_000_000).told).toContain(last);
  });

  it('on hold and lost needs both back', () => {
    const told = speaking().at(500, hold(true)).at(600, hold(true, 'lost')).at(700, back('Sorry.'));
    expect(told.state.phase).toBe('held');
    expect(told.at(800, hold(false)).told.at(-1)).toBe('800 say');
  });

  const transfer: Untimed = { type: 'transfer', destination: '+15550003' };
  const ended = (ok: boolean): Untimed => ({ type: 'transferred', ok, detail: '' });

  it('goes when the reply was heard to its end', () => {
    const { told } = speaking()
      .at(500, transfer)
      .says(600, 'mm-hmm')
      .at(900, { type: 'ended', reply: 1, failed: false })
      .at(2_000, say())
      .at(3_000, ended(true));
    expect(told).toEqual(['0 say', '900 transfer to +15550003', '3000 closing: transferred', '3000 finish']);
  });

  it('hears when nobody took the call, and is answered', () => {
    const { told } = story().at(500, transfer).says(700, 'Hello?').at(3_000, ended(false)).heard(3_100).until(4_000);
    expect(told).toEqual(['500 transfer to +15550003', '3000 fallback', expect.stringContaining('asked "Hello?"')]);
  });

  it.each<[string, Untimed, string]>([
    ['the leg ends with it', { type: 'gone' }, '2000 closing: transferred'],
    ['the call is ended meanwhile', { type: 'close', reason: 'api' }, '2000 closing: api'],
  ])('%s', (_, input, last) => {
    expect(story().at(500, transfer).at(1_000, hold(true, 'lost')).at(2_000, input).told.slice(1)).toEqual([last, '2000 finish']);
  });

  it('is not waited for longer than a telephone rings', () => {
    expect(story().at(500, transfer).until(60_600).told[1]).toBe('60500 fallback');
  });
});

describe('what answered the telephone', () => {
  const screening = { forMs: 3_000, message: 'Please call us back.' };
  const met = (message = screening.message) => {
    const policy = agent({}, { screening: { ...screening, message } });
    let [state] = step(TURN_START, { at: 0, type: 'connected', saying: saying({ cause: 'first-message' }) }, policy);
    const told: string[] = [];
    const at = (ms: number, input: Untimed) => {
      const [next, ...effects] = step(state, { ...input, at: ms } as Input, policy);
      state = next;
      told.push(...effects.map((effect) => `${ms} ${inWords(effect)}`));
      return { at, told, phase: state.phase };
    };
    return { at, told };
  };
  const screened = (by: 'person' | 'machine' | 'unknown'): Untimed => ({ type: 'screened', by });
  const hello: Untimed = { type: 'words', words: { at: 500, text: 'Hello?', from: 0, to: 1, typed: false, rejected: false } };

  it.each(['person', 'unknown'] as const)('%s: the opening is said', (by) => {
    expect(met().at(500, hello).at(1_000, screened(by)).told).toEqual(['1000 first-message']);
  });

  it('nobody knows in time: a person', () => {
    expect(met().at(3_000, { type: 'timer', timer: 'screening' }).told).toEqual(['3000 first-message']);
  });

  it.each([
    ['Please call us back.', ['1000 closing: voicemail', '1000 farewell']],
    ['', ['1000 closing: voicemail']],
  ])('a machine is left %j', (message, told) => {
    expect(met(message).at(1_000, screened('machine')).told).toEqual(told);
  });

  it('decided too late it changes nothing', () => {
    expect(met().at(1_000, screened('person')).at(1_500, screened('machine')).phase).toBe('thinking');
  });
});
