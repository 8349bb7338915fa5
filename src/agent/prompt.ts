/**
 * Liquid in the texts of an assistant: variables, filters, control flow and the built-in names of the moment. It reads no file, sees
 * no prototype, is bounded in size, and never throws: what is not Liquid (a JSON example with braces) stays as it was written.
 */
import { filters, Liquid } from 'liquidjs';

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
 * The text with its variables filled in; unknown names become nothing. `now` is epoch milliseconds, `timezone` an IANA name.
 * A text that is not valid Liquid as a whole is filled output by output, and what cannot be filled stays.
 */
export function fill(template: string, variables: Variables, now: number, timezone: string): string {
  if (!template.includes('{{') && !template.includes('{%')) return template;
  const scope = { ...moments(now, timezone), ...variables };
  const options = { globals: { now, zone: timezone } };
  const render = (text: string): string | undefined => {
    try {
      return String(engine.parseAndRenderSync(text, scope, options));
    } catch {
      return undefined;
    }
  };
  return render(template) ?? template.replace(/\{\{[^{}]*\}\}/g, (output) => render(output) ?? output);
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
