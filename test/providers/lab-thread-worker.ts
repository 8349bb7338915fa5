/** A thread for tests: doubles numbers, refuses negative ones, and dies of zero. */
import { serve } from '../../src/providers/thread.ts';

serve<number, number>((question) => {
  if (question === 0) process.exit(3);
  if (question < 0) throw new Error('negative');
  return question * 2;
});
