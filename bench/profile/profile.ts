/** Where the time and the memory of a call host and of control go: V8's profiles of a steady state over sockets, folded by room. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { waitQuiet } from '../lib/stats.ts';
import { fill, onStage, type SubjectName, warmUp } from '../wire/steady.ts';
import { type CpuProfile, type Folded, foldCpu, foldHeap, type HeapProfile } from './fold.ts';

export interface ProfileResult {
  subject: SubjectName;
  calls: number;
  seconds: number;
  processes: ProcessProfile[];
}

interface ProcessProfile {
  role: 'host' | 'control';
  /** Microseconds of busy time, and bytes allocated. */
  cpu: Folded;
  heap: Folded;
}

const RESULTS = join(import.meta.dirname, '../results');

export async function profile(options: { subject: SubjectName; calls: number; seconds: number }): Promise<ProfileResult> {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `profile-${options.subject.replaceAll(/\W+/g, '-')}`);
  const roles: readonly ProcessProfile['role'][] = options.subject === 'ours' ? ['host', 'control'] : ['host'];
  const filesOf = (role: string) => [`${path}.${role}.cpu.json`, `${path}.${role}.heap.json`];
  const files = roles.flatMap(filesOf);
  for (const file of files) rmSync(file, { force: true });
  process.env.BENCH_PROFILE = path;
  return await onStage(
    options.subject,
    async (stage) => {
      await waitQuiet();
      await fill(stage, 0, options.calls);
      await warmUp(options.seconds);
      const toggle = () => {
        for (const role of roles) process.kill(role === 'host' ? stage.subject.hostPid : stage.subject.controlPid, 'SIGUSR2');
      };
      toggle();
      await wait(options.seconds * 1_000);
      toggle();
      while (!files.every((file) => existsSync(file) && isWhole(file))) await wait(250);
      const processes = roles.map((role): ProcessProfile => {
        const [cpu, heap] = filesOf(role).map((file) => JSON.parse(readFileSync(file, 'utf8')) as unknown);
        return { role, cpu: foldCpu(cpu as CpuProfile), heap: foldHeap(heap as HeapProfile) };
      });
      return { ...options, processes };
    },
    { preload: pathToFileURL(join(import.meta.dirname, 'hook.ts')).href },
  );
}

/** A profile is a JSON object: its last byte is there when the rest is. */
const isWhole = (file: string) => readFileSync(file, 'utf8').endsWith('}');
