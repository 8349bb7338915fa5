/** Where the process of a call host starts: its settings are its only argument. */
import { constants, setPriority } from 'node:os';
import { serveHost } from './child-side.ts';
import { type HostSettings, hostParts } from './parts.ts';

// A host that replaces a dead one is born with control's lower priority; getting back to normal takes a privilege that may be missing.
try {
  setPriority(constants.priority.PRIORITY_NORMAL);
} catch {}

const settings = JSON.parse(process.argv[2] ?? '{}') as HostSettings;
serveHost(settings, (log) => hostParts(settings, log));
