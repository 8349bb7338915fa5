/** Where the process of a call host starts: its settings are its only argument. */
import { serveHost } from './child-side.ts';
import { type HostSettings, hostParts } from './parts.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as HostSettings;
serveHost(settings, (log) => hostParts(settings, log));
