/** The editor of one assistant, new (`/assistants/new`) or stored. It warns before changes are lost and shows each fault at its field. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useBlocker, useNavigate } from '@tanstack/react-router';
import { Mic, Trash2 } from 'lucide-react';
import { type FormEvent, useMemo, useRef, useState } from 'react';
import type { Assistant } from '../../../src/api/contract.ts';
import { type Problem, problemOf } from '../problem.ts';
import { assistantQuery, assistantsQuery, providersQuery } from '../queries.ts';
import { runtime } from '../requests.ts';
import { Button, buttonClass, IconButton } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { PageHead, Skeleton } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { toast } from '../ui/toast.tsx';
import { AssistantForm } from './assistant-form.tsx';
import { automaticChoice } from './automatic.ts';
import { type Draft, type DraftField, draftOf, fieldOf, patchOf } from './draft.ts';

const route = getRouteApi('/assistants/$id');

export function AssistantPage() {
  const { id } = route.useParams();
  return id === 'new' ? <NewAssistant /> : <StoredAssistant key={id} id={id} />;
}

function NewAssistant() {
  const { data, error, refetch } = useQuery(providersQuery);
  if (error) return <ProblemNote problem={problemOf(error)} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  const brain = automaticChoice(data, 'llm');
  return <Editor stored={null} suggestion={brain ? { modelProvider: brain.name } : {}} />;
}

function StoredAssistant({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(assistantQuery(id));
  if (data) return <Editor stored={data} suggestion={{}} />;
  if (!error) return <Loading />;
  const problem = problemOf(error);
  const gone: Problem = { ...problem, message: 'There is no such assistant.', fix: 'It may have been deleted.' };
  return <ProblemNote problem={problem.kind === 'not-found' ? gone : problem} onRetry={() => void refetch()} />;
}

function Editor({ stored, suggestion }: { stored: Assistant | null; suggestion: Partial<Draft> }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const base = useMemo(() => stored ?? {}, [stored]);
  const [changes, setChanges] = useState<Partial<Draft>>({});
  const draft: Draft = { ...draftOf(base), ...suggestion, ...changes };
  const patch = patchOf(base, draft);
  const dirty = stored ? Object.keys(patch).length > 0 : Object.keys(changes).length > 0;
  const [asking, setAsking] = useState(false);
  /** Set while this page itself leaves, after saving or deleting. */
  const leaving = useRef(false);

  const save = useMutation({
    mutationFn: () => (stored ? runtime.changeAssistant(stored.id, patch) : runtime.createAssistant(patch)),
    onSuccess: async (saved) => {
      client.setQueryData(assistantQuery(saved.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: assistantsQuery.queryKey, exact: true });
      toast('Saved');
      setChanges({});
      if (stored) return;
      leaving.current = true;
      await navigate({ to: '/assistants/$id', params: { id: saved.id }, replace: true });
    },
  });
  const remove = useMutation({
    mutationFn: (id: string) => runtime.removeAssistant(id),
    onSuccess: async (removed) => {
      leaving.current = true;
      await navigate({ to: '/assistants' });
      client.removeQueries({ queryKey: assistantQuery(removed.id).queryKey });
      void client.invalidateQueries({ queryKey: assistantsQuery.queryKey, exact: true });
      toast(`${removed.name || 'The assistant'} was deleted`);
    },
    onError: (error) => toast(problemOf(error).message, 'bad'),
  });
  const guard = useBlocker({
    shouldBlockFn: () => dirty && !leaving.current,
    enableBeforeUnload: () => dirty && !leaving.current,
    withResolver: true,
  });

  const problem = save.error ? problemOf(save.error) : null;
  const faults = problem ? faultsAtFields(problem) : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (dirty) save.mutate();
  };

  return (
    <form onSubmit={submit} noValidate>
      <PageHead stays title={stored ? draft.name || 'Without a name' : 'New assistant'}>
        {stored && (
          <>
            <IconButton label="Delete this assistant" onClick={() => setAsking(true)}>
              <Trash2 size={18} aria-hidden />
            </IconButton>
            <Link to="/talk" search={{ assistant: stored.id }} className={buttonClass()}>
              <Mic size={17} aria-hidden />
              Talk to it
            </Link>
          </>
        )}
        <Button type="submit" look="primary" disabled={!dirty} busy={save.isPending}>
          {stored ? (dirty ? 'Save changes' : 'Saved') : 'Create'}
        </Button>
      </PageHead>
      {problem && (
        <div role="alert" className="mb-4 rounded-xl bg-danger-soft px-4 py-3 text-sm">
          <p className="font-medium break-words text-danger">
            {Object.keys(faults).length > 0 ? 'It was not saved: see the marked fields.' : problem.message}
          </p>
          {Object.keys(faults).length === 0 && problem.fix && <p className="mt-0.5">{problem.fix}</p>}
        </div>
      )}
      <AssistantForm draft={draft} faults={faults} onChange={(change) => setChanges((known) => ({ ...known, ...change }))} />
      {asking && stored && (
        <Confirm
          title={`Delete ${stored.name || 'this assistant'}?`}
          yes="Delete"
          danger
          busy={remove.isPending}
          onYes={() => remove.mutate(stored.id)}
          onNo={() => setAsking(false)}
        >
          Calls to it are no longer possible. The record of past calls stays.
        </Confirm>
      )}
      {guard.status === 'blocked' && (
        <Confirm title="Leave without saving?" yes="Leave" no="Stay" danger onYes={guard.proceed} onNo={guard.reset}>
          What you changed here is not saved yet.
        </Confirm>
      )}
    </form>
  );
}

function faultsAtFields(problem: Problem): Partial<Record<DraftField, string>> {
  const faults: Partial<Record<DraftField, string>> = {};
  for (const { path, message } of problem.faults) {
    const field = fieldOf(path);
    if (field) faults[field] ??= message;
  }
  return faults;
}

function Loading() {
  return (
    <>
      <Skeleton className="mb-6 h-9 w-56" />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_22rem] lg:gap-6">
        <Skeleton className="h-[38rem]" />
        <Skeleton className="h-[38rem]" />
      </div>
    </>
  );
}
