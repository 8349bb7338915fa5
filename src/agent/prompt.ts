/**
 * Liquid in the texts of an assistant: variables, filters, control flow and the built-in names of the moment. It reads no file, sees
 * no prototype, is bounded in size, and never throws: what is not Liquid (a JSON example with braces) stays as it was written.
 */
import { Context, filters, Liquid } from 'liquidjs';

type Variables = Readonly<Record<string, unknown>>;

const dateFilter = typeof filters.date === 'function' ? filters.date : () => '';

/** `date` takes a time zone as its second argument, and `"now"` means the moment of the call, not that of the rendering. */
const engine = new Liquid({
  ownPropertyOnly: true,
  // An empty set of partial templates takes the place of the file system.
  templates: {},
  // Characters, milliseconds and (about) bytes for one text: far beyond any prompt, short of holding up other calls.
  parseLimit: 500_000,
  renderLimit: 200,
  memoryLimit: 5_000_000,
});
engine.registerFilter('date', function (value: unknown, format?: string, zone?: string) {
  const { now, zone: home } = this.context.globals as { now: number; zone: string };
  const moment = value === 'now' || value === 'today' ? new Date(now) : value;
  return dateFilter.call(this, moment, format, zone !== undefined && isTimeZone(zone) ? zone : home);
});

/**
 * Fills variables into the texts of one assistant; unknown names become nothing. `now` is epoch milliseconds, `timezone` an IANA name.
 * A text that is not valid Liquid as a whole is filled output by output, and what cannot be filled stays. Time and memory are bounded
 * for all texts together, so that a thousand slow ones cost no more than one.
 */
export function filler(variables: Variables, now: number, timezone: string): (template: string) => string {
  const scope = { ...moments(now, timezone), ...variables };
  const shared = new Context({}, engine.options, { sync: true, globals: { now, zone: timezone } });
  const render = (text: string): string | undefined => {
    try {
      // Of its own, so that what one text assigns is not seen by the next.
      return String(engine.parseAndRenderSync(text, shared.spawn({ ...scope })));
    } catch {
      return undefined;
    }
  };
  return (template) => {
    if (!template.includes('{{') && !template.includes('{%')) return template;
    return render(template) ?? template.replace(/\{\{[^{}]*\}\}/g, (output) => render(output) ?? output);
  };
}

/** Every string inside a JSON value filled; keys and other values stay. */
export function fillAll<T>(value: T, fillText: (text: string) => string): T;
export function fillAll(value: unknown, fillText: (text: string) => string): unknown {
  if (typeof value === 'string') return fillText(value);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, fillText));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillAll(inner, fillText)]));
}

/** The names that every text may use: `now`, `date`, `time`, `month`, `day`, `year`, `currentDateTime`. */
function moments(now: number, timeZone: string): Variables {
  const say = (options: Intl.DateTimeFormatOptions) =>
    // Newer locale data puts narrow no-break spaces before AM and PM; voices and prompts want plain ones.
    new Intl.DateTimeFormat('en-US', { timeZone, ...options }).format(now).replace(/\s/gu, ' ');
  const date = { month: 'short', day: 'numeric', year: 'numeric' } as const;
  const time = { hour: 'numeric', minute: '2-digit' } as const;
  const whole = say({ ...date, ...time, timeZoneName: 'short' });
  return {
    now: whole,
    currentDateTime: whole,
    date: say(date),
    time: say(time),
    month: say({ month: 'long' }),
    day: say({ day: 'numeric' }),
    year: say({ year: 'numeric' }),
  };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}
