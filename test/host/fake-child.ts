/** The process of a call host in tests: the real process around fake calls. */
import { serveHost } from '../../src/host/child-side.ts';
import type { HostSettings } from '../../src/host/parts.ts';
import { fakeParts } from './fake-parts.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as HostSettings;
serveHost(settings, (log) => fakeParts(settings.name, log));
