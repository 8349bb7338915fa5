/** A runtime's store in a process of its own, for tests that kill it: opens, writes one assistant, says its id, stays. */
import { realClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { openStore } from '../../src/store/store.ts';
import { optionsFor } from './lab-store.ts';

const store = await openStore(optionsFor({ dataDir: process.argv[2] ?? '' }), rootScope('runtime'), realClock, silentLog);
const { id: organization } = await store.organizations.ensure('default');
const { id } = await store.assistants.create(organization, { name: 'written before the kill', definition: {} });
process.send?.(id);
