/** Times, durations and names as people read them. */
import type { Call } from '../../src/api/contract.ts';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** `14:05` today, `3 Mar, 14:05` on other days. */
export function momentOf(iso: string, now = new Date()): string {
  const date = new Date(iso);
  return date.toDateString() === now.toDateString() ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function fullMoment(iso: string): string {
  return full.format(new Date(iso));
}

/** `0:07`, `12:40`, `1:02:03`. */
export function lengthOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [minutes = 0, rest = 0] = parts;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/** A place in a call: `0:07.3`. */
export function placeOf(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  return `${Math.floor(tenths / 600)}:${pad(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

/** `480 ms`, `1.25 s`, or a dash for what did not happen. */
export function latencyOf(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** How long the call was talked in, or `null` before it was answered. */
export function talkedMs(call: Call, now = Date.now()): number | null {
  if (!call.startedAt) return null;
  return (call.endedAt ? Date.parse(call.endedAt) : now) - Date.parse(call.startedAt);
}

/** The way the caller came. */
export function channelOf(call: Call): string {
  if (call.type === 'inboundPhoneCall') return 'Phone in';
  if (call.type === 'outboundPhoneCall') return 'Phone out';
  return call.transport?.provider === 'aywa.text' ? 'Text' : 'Voice';
}

/** `customer-ended-call` -> `Customer ended call`; the wire's name without its hyphens. */
export function reasonOf(reason: string | undefined): string {
  if (!reason) return '';
  const words = reason.replaceAll(/[-.]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
