/** Liquid in texts: what is filled in, and that nothing in a text can break a call. */
import { describe, expect, it } from 'vitest';
import { fillAll, filler } from '../../src/agent/prompt.ts';

const NOW = Date.UTC(2026, 10, 20, 15, 4);
const say = (template: string, variables: Record<string, unknown> = {}, zone = 'UTC') => filler(variables, NOW, zone)(template);

describe('fill', () => {
  it.each([
    ['Hello {{ customer.name }}!', 'Hello Ann!'],
    ['Hello {{ nobody }}.', 'Hello .'],
    ['{% if customer.name == "Ann" %}dear{% else %}who{% endif %}', 'dear'],
    ['{{ nobody | default: "friend" }}', 'friend'],
    ['{{ now }}', 'Nov 20, 2026, 3:04 PM UTC'],
    ['{{ date }}, {{ time }}, {{ month }} {{ day }} {{ year }}', 'Nov 20, 2026, 3:04 PM, November 20 2026'],
    ['{{"now" | date: "%A, %B %d, %Y, %I:%M %p", "America/New_York"}}', 'Friday, November 20, 2026, 10:04 AM'],
    ['{{"now" | date: "%H:%M", "Mars/Base"}}', '15:04'],
    ['{{ customer.constructor }}{{ customer.__proto__ }}', ''],
  ])('%s', (template, expected) => {
    expect(say(template, { customer: { name: 'Ann' } })).toBe(expected);
  });

  it('tells the time of the given zone', () => {
    expect(say('{{ time }}', {}, 'Asia/Kolkata')).toBe('8:34 PM');
  });

  it.each([
    ['an unclosed tag', '{% if x %} {{ name }}', '{% if x %} Ann'],
    ['a file', '{% include "/etc/passwd" %} {{ name }}', '{% include "/etc/passwd" %} Ann'],
    ['an unknown tag', '{% teapot %} {{ name }}', '{% teapot %} Ann'],
    ['braces of JSON', 'Answer {"a": {"b": {}}} to {{ name }}', 'Answer {"a": {"b": {}}} to Ann'],
    ['double braces of JSON', '{"a": {{"b": {}}}} {{ name }}', '{"a": {{"b": {}}}} Ann'],
  ])('survives %s', (_, template, expected) => {
    expect(say(template, { name: 'Ann' })).toBe(expected);
  });

  it('does not fill what a variable brought along', () => {
    expect(say('{{ name }}', { name: '{{ secret }}', secret: 'x' })).toBe('{{ secret }}');
  });

  it('gives up a loop that would never end', () => {
    const endless = '{% for i in (1..1000000000) %}x{% endfor %}';
    expect(say(endless)).toBe(endless);
  });

  it('shares one bound among all texts, and no variable that a text sets', () => {
    const slow = '{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}';
    const fill = filler({ name: 'Ann' }, NOW, 'UTC');
    expect(fill('{% assign name = "Bob" %}{{ name }}')).toBe('Bob');
    expect(fill('{{ name }}')).toBe('Ann');
    // The first spends what there is; the others end at their first step. Each with a bound of its own would take 200 s.
    for (let i = 0; i < 1_000; i += 1) expect(fill(slow)).toBe(slow);
  });
});

it('fillAll fills every string of a value and nothing else', () => {
  const filled = fillAll({ a: ['x', { b: 'y' }], n: 1, none: null, yes: true }, (text) => text.toUpperCase());
  expect(filled).toEqual({ a: ['X', { b: 'Y' }], n: 1, none: null, yes: true });
});
