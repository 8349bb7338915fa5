/** The page for a browser without a key. A key is tried before it is kept. */
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { problemOf } from '../problem.ts';
import { tryKey } from '../requests.ts';
import { signIn, useSession } from '../session.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { Mark } from './mark.tsx';
import { SystemStrip } from './system-strip.tsx';
import { ThemeButton } from './theme-button.tsx';

export function SignIn() {
  const { reason } = useSession();
  const [key, setKey] = useState('');
  const attempt = useMutation({ mutationFn: tryKey, onSuccess: (_, tried) => signIn(tried) });
  const problem = attempt.error ? problemOf(attempt.error) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim()) attempt.mutate(key.trim());
  };
  return (
    <div className="flex min-h-dvh flex-col">
      <SystemStrip />
      <div className="flex justify-end p-3">
        <ThemeButton />
      </div>
      <main className="flex flex-1 flex-col items-center justify-center px-4 pt-4 pb-24">
        <form onSubmit={submit} className="w-full max-w-sm">
          <Mark size={40} />
          <title>Sign in · Aywa</title>
          <h1 className="mt-5 text-2xl font-semibold">Aywa Runtime</h1>
          <p className="mt-2 mb-6 text-muted">
            {reason === 'refused'
              ? 'The key of this browser is no longer accepted. Sign in with another one.'
              : 'Open the address that the runtime printed when it started: it brings its key along. Or paste a key here.'}
          </p>
          <TextField
            label="Key"
            type="password"
            name="key"
            autoFocus
            spellCheck={false}
            autoComplete="current-password"
            value={key}
            onChange={(event) => setKey(event.target.value)}
            fault={problem ? (problem.kind === 'unauthorized' ? 'The runtime does not know this key.' : problem.message) : undefined}
          />
          <Button type="submit" look="primary" className="mt-4 w-full" busy={attempt.isPending} disabled={!key.trim()}>
            Sign in
          </Button>
        </form>
      </main>
    </div>
  );
}
