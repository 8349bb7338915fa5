/** A control process that opens one call on a child host and is then killed by the test. Its argument is the leg's account. */

import { childHost } from '../../src/host/child.ts';
import { realClock } from '../../src/kernel/clock.ts';
import { FAKE_CHILD, fakeSettings, phoneLeg, planOf } from './room.ts';

const host = childHost(fakeSettings('host-1'), realClock, FAKE_CHILD);
host.onReport((report) => {
  if (report.type === 'ready') host.send({ type: 'open', plan: planOf('call-1', 'phone-inbound'), leg: phoneLeg(process.argv[2] ?? '') });
  if (report.type === 'events') process.send?.('opened');
});
