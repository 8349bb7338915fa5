/** The janitor's rounds on the virtual clock, against a store that is sometimes away. */
import { expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/clock.ts';
import { AywaError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { keepHouse } from '../../src/operations/janitor.ts';

const HOUR = 3_600_000;

it('prunes at the start and every hour, also after the database was away, until its scope closes', async () => {
  const clock = new VirtualClock();
  const scope = rootScope('test');
  let rounds = 0;
  const prune = async () => {
    rounds += 1;
    if (rounds === 2) throw new AywaError('store_away');
    return 1;
  };
  keepHouse({ store: { idempotency: { prune } }, clock, scope, log: silentLog });
  await clock.advance(0);
  expect(rounds).toBe(1);
  await clock.advance(HOUR);
  expect(rounds).toBe(2);
  await clock.advance(HOUR);
  expect(rounds).toBe(3);
  await scope.close('test over');
  await clock.advance(HOUR);
  expect(rounds).toBe(3);
});
