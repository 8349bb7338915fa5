/** Words that no final comes for: kept, told once, and replaced by a final that comes after all. */
import { describe, expect, it } from 'vitest';
import { type FinalWords, interimWords } from '../../src/call/hear/interim.ts';
import { begin } from './listening-stage.ts';

type Step = ['partial' | 'final' | 'rejected', text: string, from: number, to: number] | ['take'];

/** What is told, as `text[!interim][>replaces]`. */
function told(steps: readonly Step[]): string[] {
  const words = interimWords();
  const out: string[] = [];
  const tell = ({ text, interim, replaces, rejected }: FinalWords) => {
    if (text || rejected) out.push(`${text || '?'}${interim ? '!' : ''}${replaces === undefined ? '' : `>${replaces}`}`);
  };
  for (const step of steps) {
    if (step[0] === 'take') words.take().forEach(tell);
    else if (step[0] === 'partial') words.partial({ type: 'partial', text: step[1], from: step[2], to: step[3] });
    else tell(words.final({ type: 'final', text: step[1], from: step[2], to: step[3], ...(step[0] === 'rejected' && { rejected: true }) }));
  }
  words.take().forEach(tell);
  return out;
}

describe('interim words', () => {
  const table: [string, Step[], string[]][] = [
    ['stand when nothing follows', [['partial', 'where is', 0, 900]], ['where is!']],
    [
      'grow: the latest view counts',
      [
        ['partial', 'where', 0, 400],
        ['partial', 'where is it', 0, 900],
      ],
      ['where is it!'],
    ],
    [
      'shrink, too',
      [
        ['partial', 'wear is it', 0, 900],
        ['partial', 'where', 0, 800],
      ],
      ['where!'],
    ],
    [
      'stand after an empty final',
      [
        ['partial', 'where is it', 0, 900],
        ['final', '', 0, 900],
      ],
      ['where is it!'],
    ],
    [
      'give way to their final',
      [
        ['partial', 'where is', 0, 900],
        ['final', 'Where is it?', 0, 950],
      ],
      ['Where is it?'],
    ],
    [
      'give way to a rejection',
      [
        ['partial', 'hm', 0, 900],
        ['rejected', '', 0, 950],
      ],
      ['?'],
    ],
    [
      'stand beside finals of other times',
      [
        ['final', 'Hello.', 0, 900],
        ['partial', 'where is it', 1_000, 1_900],
      ],
      ['Hello.', 'where is it!'],
    ],
    [
      'of several stretches all stand',
      [
        ['partial', 'one', 0, 500],
        ['partial', 'two', 600, 1_000],
      ],
      ['one!', 'two!'],
    ],
    [
      'that touch are two stretches',
      [
        ['partial', 'one two', 0, 1_000],
        ['partial', 'three', 1_000, 1_500],
      ],
      ['one two!', 'three!'],
    ],
    [
      'keep what a shorter final leaves over',
      [
        ['partial', 'where is my order', 0, 2_000],
        ['final', 'Where is', 0, 900],
      ],
      ['Where is', 'my order!'],
    ],
    [
      'keep what is left over, and the vendor goes on with it',
      [
        ['partial', 'where is my order', 0, 2_000],
        ['final', 'Where is', 0, 900],
        ['partial', 'my order please', 950, 2_400],
      ],
      ['Where is', 'my order please!'],
    ],
    [
      'do not end a syllable later',
      [
        ['partial', 'where is it', 0, 1_000],
        ['final', 'Where is', 0, 850],
      ],
      ['Where is'],
    ],
    [
      'are replaced by a late final',
      [['partial', 'where is', 0, 900], ['take'], ['final', 'Where is it?', 0, 950]],
      ['where is!', 'Where is it?>0'],
    ],
    ['are replaced by the same text', [['partial', 'yes', 100, 400], ['take'], ['final', 'yes', 120, 420]], ['yes!', 'yes>100']],
    [
      'are replaced once',
      [['partial', 'yes', 100, 400], ['take'], ['final', 'Yes.', 100, 400], ['final', 'No.', 100, 400]],
      ['yes!', 'Yes.>100', 'No.'],
    ],
    ['are not replaced by what comes later', [['partial', 'yes', 100, 400], ['take'], ['final', 'No.', 900, 1_200]], ['yes!', 'No.']],
    ['are replaced by a late rejection', [['partial', 'hm', 100, 400], ['take'], ['rejected', '', 100, 400]], ['hm!', '?>100']],
    [
      'that a late final covers in part keep their rest',
      [['partial', 'where is my order', 0, 2_000], ['take'], ['final', 'Where is', 0, 900]],
      ['where is my order!', 'Where is>0', 'my order!'],
    ],
    [
      'that were taken one by one are not told twice',
      [['partial', 'one two', 0, 900], ['take'], ['partial', 'three', 1_000, 1_500], ['take'], ['final', 'One two three.', 0, 1_500]],
      ['one two!', 'three!', 'three.>1000'],
    ],
    ['that the recogniser repeats say nothing new', [['partial', 'yes', 0, 400], ['take'], ['partial', 'Yes.', 0, 420]], ['yes!']],
    [
      'that grow after they were taken replace themselves',
      [['partial', 'where is', 0, 900], ['take'], ['partial', 'where is it', 0, 1_200]],
      ['where is!', 'where is it!>0'],
    ],
    [
      'without spaces keep their rest',
      [
        ['partial', '注文はどこですか', 0, 2_000],
        ['final', '注文は', 0, 900],
      ],
      ['注文は', 'どこですか!'],
    ],
    [
      'without a length are replaced where they lie',
      [['partial', 'yes', 500, 500], ['take'], ['final', 'Yes.', 500, 500]],
      ['yes!', 'Yes.>500'],
    ],
    [
      'that come behind their own final say nothing new',
      [
        ['final', 'Yes, I do.', 0, 900],
        ['partial', 'yes I', 0, 500],
      ],
      ['Yes, I do.'],
    ],
    ['that are empty are none', [['partial', ' ', 0, 500]], []],
  ];
  it.each(table)('%s', (_, steps, expected) => expect(told(steps)).toEqual(expected));
});

describe('the last words of an utterance', () => {
  it('are told as they are a second after the voice, when nothing follows', () => {
    const { talks, silence, partial, finals, heard } = begin();
    talks(800);
    partial('Where is', 0, 700);
    talks(700);
    partial('Where is my order', 0, 1_500);
    silence(900);
    expect(finals()).toEqual([]);
    silence(300);
    expect(heard.at(-1)).toEqual({ type: 'final', text: 'Where is my order', from: 0, to: 1_500, interim: true });
    silence(5_000);
    expect(finals()).toHaveLength(1);
  });

  it('give way to a final that comes later, from whichever connection', () => {
    const { talks, silence, partial, final, finals, connections } = begin();
    talks(1_500);
    partial('Where is my order', 0, 1_500);
    silence(2_000);
    final('Where is my order?', 0, 1_480);
    expect(finals().at(-1)).toEqual({ type: 'final', text: 'Where is my order?', from: 0, to: 1_480, replaces: 0 });
    expect(connections).toHaveLength(1);
  });

  it.each([
    ['an empty final', { type: 'final', text: '', from: 0, to: 1_500 }],
    ['an opinion that is unsure', { type: 'turnEnd', probability: 0.5 }],
    ['the same words again', { type: 'partial', text: 'Where is my order', from: 0, to: 1_500 }],
  ] as const)('are told although %s follows', (_, after) => {
    const { talks, silence, partial, finals, connections } = begin();
    talks(1_500);
    partial('Where is my order', 0, 1_500);
    silence(400);
    connections[0]?.listener.recognised(after);
    silence(1_000);
    expect(finals()).toMatchObject([{ text: 'Where is my order', interim: true }]);
  });

  it('are told at once when the recogniser says that the utterance is over, before its opinion', () => {
    const { talks, silence, partial, connections, heard } = begin();
    talks(1_500);
    partial('Where is my order', 0, 1_500);
    silence(400);
    connections[0]?.listener.recognised({ type: 'turnEnd', probability: 1 });
    expect(heard.slice(-2)).toMatchObject([{ text: 'Where is my order', interim: true }, { type: 'turnEnd' }]);
  });

  it('wait as long as the ears declare', () => {
    const { talks, silence, partial, final, finals } = begin(['slow'], { finalWithinMs: { slow: 3_000 } });
    talks(1_500);
    partial('Where is my order', 0, 1_500);
    silence(3_000);
    final('Where is my order?', 0, 1_500);
    silence(3_000);
    expect(finals()).toEqual([{ type: 'final', text: 'Where is my order?', from: 0, to: 1_500 }]);
  });

  it('are not told while the caller goes on, nor while the recogniser adds to them', () => {
    const { talks, silence, partial, finals } = begin();
    talks(1_000);
    partial('I', 0, 500);
    silence(600);
    talks(1_000);
    silence(900);
    partial('I would like', 0, 2_500);
    silence(200);
    expect(finals()).toEqual([]);
    silence(300);
    expect(finals()).toMatchObject([{ text: 'I would like' }]);
  });

  it('are told in noise that never ends, and for a caller too soft for the voice detector', () => {
    const noisy = begin();
    noisy.talks(1_500);
    noisy.partial('Where is my order', 0, 1_500);
    noisy.talks(3_200);
    expect(noisy.finals()).toMatchObject([{ text: 'Where is my order', interim: true }]);
    const soft = begin();
    soft.silence(1_500);
    soft.partial('Where is my order', 0, 1_500);
    soft.silence(900);
    expect(soft.finals()).toEqual([]);
    soft.silence(500);
    expect(soft.finals()).toMatchObject([{ text: 'Where is my order', interim: true }]);
  });
});

describe('the last words of a call', () => {
  it('are waited for, and the vendor is told that no more audio comes', async () => {
    const { listening, clock, talks, silence, partial, final, finals, connections } = begin();
    talks(1_500);
    partial('Call me back at', 0, 1_400);
    silence(100);
    const over = listening.finish();
    expect(connections[0]).toMatchObject({ finished: true, ms: 1_600 });
    clock.timer(250, () => final('Call me back at five.', 0, 1_480));
    await clock.advance(260);
    await over;
    expect(finals()).toEqual([{ type: 'final', text: 'Call me back at five.', from: 0, to: 1_480 }]);
    expect(connections[0]?.closed()).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('are kept as they are when nothing comes in time', async () => {
    const { listening, clock, talks, partial, finals, heard } = begin();
    talks(1_500);
    partial('Call me back at five', 0, 1_400);
    const over = listening.finish();
    await clock.advance(650);
    expect(finals()).toEqual([]);
    await clock.advance(60);
    await over;
    expect(heard.slice(-2)).toMatchObject([{ text: 'Call me back at five', interim: true }, { type: 'usage' }]);
  });

  it('are over when the vendor says so', async () => {
    const { listening, clock, talks, partial, finals, connections } = begin();
    talks(1_500);
    partial('Goodbye', 0, 1_400);
    const over = listening.finish();
    connections[0]?.over.resolve();
    await over;
    expect(clock.now()).toBe(0);
    expect(finals()).toMatchObject([{ text: 'Goodbye', interim: true }]);
  });

  it('are not waited for when none are owed', async () => {
    const { listening, clock, talks, silence, final, connections } = begin();
    talks(1_000);
    silence(400);
    final('Goodbye.', 0, 1_000);
    await Promise.all([listening.finish(), listening.finish()]);
    expect(connections[0]?.closed()).toBe(true);
    expect(clock.now()).toBe(0);
  });

  it('do not keep a call whose scope closes', async () => {
    const { listening, scope, clock, talks } = begin();
    talks(1_000);
    const over = listening.finish();
    await scope.close('over');
    await over;
    expect(clock.waiting).toBe(0);
  });
});
