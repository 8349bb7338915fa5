/** Where the time and memory of a call host and of control go, as tables by room; the floor's beside them. */
import { alone, type Effort, f1, f2 } from '../lib/bench.ts';
import { table } from '../lib/stats.ts';
import type { Folded } from '../profile/fold.ts';
import type { ProfileResult } from '../profile/profile.ts';

const CALLS = 50;
/** Rooms below this share of the whole are one line. */
const LEAST = 0.005;

export async function profiles({ seconds, quick }: Effort): Promise<string> {
  const parts: string[] = [];
  for (const subject of quick ? ['ours'] : ['ours', 'floor']) {
    const result = await alone<ProfileResult>('profile', { subject, calls: CALLS, seconds });
    for (const { role, cpu, heap } of result.processes) {
      const percent = (micros: number) => (micros / 1e6 / result.seconds) * 100;
      const perCall = (bytes: number) => bytes / result.seconds / CALLS / 1_024;
      const times = lines(cpu, (micros) => `${f2(percent(micros) / CALLS)} %`);
      const bytes = lines(heap, (amount) => `${f1(perCall(amount))} kB/s`);
      parts.push(
        `${subject}, ${role}: ${CALLS} calls, ${f1(percent(cpu.total))} % of a core while profiled. CPU per call by room:`,
        table([['room', 'share', 'of a core per call', 'most of it'], ...times]),
        `allocated per call by room (${f1(perCall(heap.total))} kB/s in all):`,
        table([['room', 'share', 'per call', 'most of it'], ...bytes]),
      );
    }
  }
  return parts.join('\n\n');
}

function lines({ total, rooms }: Folded, unit: (amount: number) => string): string[][] {
  const small = rooms.filter(({ amount }) => amount / total < LEAST).reduce((sum, { amount }) => sum + amount, 0);
  const shown = rooms
    .filter(({ amount }) => amount / total >= LEAST)
    .map(({ room, amount, top }) => [
      room,
      `${f1((amount / total) * 100)} %`,
      unit(amount),
      top.map(([name, part]) => `${name} ${f1((part / total) * 100)}`).join(', '),
    ]);
  return small > 0 ? [...shown, ['the rest', `${f1((small / total) * 100)} %`, unit(small), '']] : shown;
}
