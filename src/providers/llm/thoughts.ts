/**
 * Takes what a model thinks out of what it says: everything between tags of any of the known kinds, wherever chunks are cut. A closing
 * tag alone means that all before it was thought, so an answer that begins as thoughts begin is held back until it is certain. Text that no
 * tag marks is never lost, and an answer that does not look like a thought is not held up.
 */

export interface Thoughts {
  /** The part of the text that may be said now. */
  push(text: string): string;
  /** The server marks thoughts by itself: what comes as text is none. */
  marked(): void;
  /** What was held back, when something else than text follows. */
  flush(): string;
  /** What was held back, at the end of an answer of words. */
  end(): string;
}

const NAMES = 'think|thinking|thoughts?|reason|reasoning|reflection|scratchpad';
const EMPTY = `<(?:[a-z]+:)?(?:${NAMES})\\s*/>`;
const OPEN = `<(?:[a-z]+:)?(?:${NAMES})(?:\\s[^<>]{0,80})?>|\\[THINK\\]|◁think▷|<\\|(?:start_thinking|begin_of_thought|channel)\\|>`;
const CLOSE = `</(?:[a-z]+:)?(?:${NAMES})\\s*>|\\[/THINK\\]|◁/think▷|<\\|(?:end_thinking|end_of_thought)\\|>`;
const TAG = new RegExp(`${EMPTY}|(?<open>${OPEN})|(?<close>${CLOSE})`, 'i');
/** The Harmony format names the channel of what follows; only `final` is for the caller. */
const ENDS = new RegExp(`${CLOSE}|final<\\|message\\|>`, 'i');
/** The end of a text in which a tag may have begun. */
const BEGUN = new RegExp(`(?:<\\/?[a-z|_:]{0,24}\\/?|<(?:[a-z]+:)?(?:${NAMES})\\s[^<>]{0,80}|\\[\\/?[a-z]{0,5}|◁\\/?[a-z]{0,5})$`, 'i');
const BEGINS = /[<[◁]/;
/** No closing tag is longer; characters. */
const LONGEST = 40;

/** `unsay` takes back and returns the text that was handed out and is not on its way yet: it was thought. */
export function thoughtFilter(unsay: () => string): Thoughts {
  /** What may be the beginning of a tag; inside a thought, its last characters. */
  let buffer = '';
  let inside = false;
  let thought = false;
  let said = false;
  /** The beginning of the answer while it may be that of a thought. */
  let held = '';
  let decided = false;
  /** What a closing tag alone took back: the answer after all when nothing comes after it. */
  let unsaid = '';

  const decide = (): string => {
    const text = held;
    held = '';
    decided = true;
    return text;
  };
  const say = (text: string): string => {
    if (!decided) {
      held += text;
      if (beginsAsThought(held)) return '';
      text = decide();
    }
    // Empty lines stand between a thought and its answer.
    const words = thought && !said ? text.trimStart() : text;
    said ||= words.trim() !== '';
    return words;
  };
  const flush = (): string => {
    const rest = decide() + (inside ? '' : buffer);
    buffer = '';
    return say(rest);
  };

  return {
    flush,
    push(text) {
      if (buffer === '' && !inside && !BEGINS.test(text)) return say(text);
      buffer += text;
      let out = '';
      for (let tag = (inside ? ENDS : TAG).exec(buffer); tag; tag = (inside ? ENDS : TAG).exec(buffer)) {
        const before = buffer.slice(0, tag.index);
        buffer = buffer.slice(tag.index + tag[0].length);
        if (inside) inside = false;
        else if (tag.groups?.close === undefined) {
          out += say(decide() + before);
          inside = tag.groups?.open !== undefined;
        } else {
          unsaid += unsay() + out + decide() + before;
          out = '';
          said = false;
        }
        decided = true;
        thought = true;
      }
      const at = inside ? Math.max(0, buffer.length - LONGEST) : (BEGUN.exec(buffer)?.index ?? buffer.length);
      const whole = buffer.slice(0, at);
      buffer = buffer.slice(at);
      return inside || whole === '' ? out : out + say(whole);
    },
    marked() {
      if (held === '') decided = true;
    },
    end() {
      const last = flush();
      return said || inside ? last : unsaid;
    },
  };
}

const INTERJECTIONS = ['okay', 'ok', 'alright', 'hmm', 'so', 'first'];
/** Behind an interjection: "let's see", "let me think". */
const FILLERS = ['let', 's', 'us', 'me', 'see', 'think'];
const SPEAKERS = ['user', 'caller', 'customer', 'human'];
const VERBS = (
  'is was are has had wants wanted asks asked says said seems needs needed just would might may wrote gave gives tells told greeted ' +
  'requests requested mentioned mentions provided inquires likely probably'
).split(' ');
const OPENERS = [...INTERJECTIONS, 'the', ...SPEAKERS];
const STEPS = [[...OPENERS, ...FILLERS], SPEAKERS, VERBS];

/** "Okay, so the user wants ...": nobody speaks to a caller like this. True while it is, or can still become, such a beginning. */
function beginsAsThought(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu) ?? [];
  const unfinished = /[\p{L}\p{N}]$/u.test(text);
  let step = 0;
  for (const [at, word] of words.entries()) {
    const expected = at === 0 ? OPENERS : (STEPS[step] ?? []);
    if (/[\p{L}\p{N}]/u.test(word)) {
      if (unfinished && at === words.length - 1 && expected.some((name) => name.startsWith(word))) return true;
      if (!expected.includes(word)) return false;
      if (step === 2) return true;
      if (SPEAKERS.includes(word)) step = 2;
      else if (word === 'the') step = 1;
    } else if (step > 0) return false;
  }
  return true;
}
