/** A real store on an embedded server in a folder of its own, for any test that needs one. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope, type Scope } from '../../src/kernel/scope.ts';
import { startEmbedded } from '../../src/store/embedded.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts';

export const TEST_KEY = 'a test key that is long enough to seal with';

/** An empty folder that the database's user can pass through when the tests run as root. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aywa-test-'));
  chmodSync(folder, 0o755);
  return folder;
}

export interface LabStore {
  readonly store: Store;
  /** Of its database, with the password: for a proxy before it, or a second store. */
  readonly url: string;
  /** The id of the organisation `default`. */
  readonly organization: string;
  readonly dataDir: string;
  readonly scope: Scope;
  /** Closes the store and removes the folder. */
  stop(): Promise<void>;
}

export async function openLabStore(options: Partial<StoreOptions> = {}): Promise<LabStore> {
  const dataDir = emptyFolder();
  const scope = rootScope('test');
  const { url } = await startEmbedded(dataDir, scope, realClock, silentLog);
  const store = await openStore(optionsFor({ postgresUrl: url, ...options }), scope, realClock, silentLog);
  const { id: organization } = await store.organizations.ensure('default');
  const stop = async () => {
    await scope.close('test over');
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { store, url, organization, dataDir, scope, stop };
}

export function optionsFor(options: Partial<StoreOptions>): StoreOptions {
  return { postgresUrl: undefined, dataDir: 'never used', encryptionKey: TEST_KEY, migrate: true, ...options };
}
