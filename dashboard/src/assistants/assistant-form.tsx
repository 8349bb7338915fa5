/** The main fields of an assistant. It holds no state of its own: the page has the draft and the faults. */
import type { ReactNode } from 'react';
import { Select, TextArea, TextField } from '../ui/field.tsx';
import { Card } from '../ui/page.tsx';
import { type Draft, type DraftField, SPEAKS_FIRST } from './draft.ts';
import { ProviderSelect } from './provider-select.tsx';

/** Names that mean something to one provider only. */
const OF_PROVIDER = {
  modelProvider: { model: '' },
  voiceProvider: { voiceId: '' },
  transcriberProvider: { transcriberModel: '' },
} as const;

interface AssistantFormProps {
  readonly draft: Draft;
  readonly faults: Partial<Record<DraftField, string>>;
  readonly onChange: (change: Partial<Draft>) => void;
}

export function AssistantForm({ draft, faults, onChange }: AssistantFormProps) {
  const wired = (field: DraftField) => ({
    name: field,
    value: draft[field],
    fault: faults[field],
    onChange: (event: { target: { value: string } }) => onChange({ [field]: event.target.value }),
  });
  const provider = (field: 'modelProvider' | 'voiceProvider' | 'transcriberProvider') => ({
    value: draft[field],
    fault: faults[field],
    onChange: (value: string) => onChange({ [field]: value, ...OF_PROVIDER[field] }),
  });
  const speaksFirst = draft.firstMessageMode === SPEAKS_FIRST;

  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_22rem] lg:gap-6">
      <div className="flex min-w-0 flex-col gap-4 lg:gap-6">
        <Card title="What it says">
          <Fields>
            <TextField label="Name" maxLength={40} placeholder="Reception" {...wired('name')} />
            <Select label="Who speaks first" {...wired('firstMessageMode')}>
              <option value={SPEAKS_FIRST}>The agent, with the first message</option>
              <option value="assistant-speaks-first-with-model-generated-message">The agent, with words of the model</option>
              <option value="assistant-waits-for-user">The caller</option>
            </Select>
            <TextArea
              label="First message"
              hint={speaksFirst ? 'Empty: the caller speaks first.' : 'Not used while somebody else begins.'}
              placeholder="Hello, how can I help you?"
              {...wired('firstMessage')}
            />
            <TextArea
              label="System prompt"
              rows={10}
              hint="Who the agent is, what it may do, how it should sound. {{ variables }} are filled in for each call."
              placeholder="You are the friendly receptionist of a bicycle shop. Keep your answers short."
              {...wired('systemPrompt')}
            />
          </Fields>
        </Card>
        <Card title="When it ends">
          <Fields>
            <TextArea
              label="End-call phrases"
              hint="One in a line. When the agent says one, the call ends."
              placeholder="Goodbye"
              {...wired('endCallPhrases')}
            />
            <TextField label="Last words" hint="Said when the agent ends the call." {...wired('endCallMessage')} />
            <div className="grid gap-5 sm:grid-cols-2">
              <TextField
                label="Silence limit (seconds)"
                type="number"
                min={10}
                max={3600}
                placeholder="30"
                {...wired('silenceTimeoutSeconds')}
              />
              <TextField
                label="Longest call (seconds)"
                type="number"
                min={10}
                max={43200}
                placeholder="600"
                {...wired('maxDurationSeconds')}
              />
            </div>
          </Fields>
        </Card>
      </div>
      <div className="flex min-w-0 flex-col gap-4 lg:gap-6">
        <Card title="Brain">
          <Fields>
            <ProviderSelect kind="llm" label="Model provider" automatic={false} {...provider('modelProvider')} />
            <TextField label="Model" placeholder="The provider's default" spellCheck={false} {...wired('model')} />
          </Fields>
        </Card>
        <Card title="Voice">
          <Fields>
            <ProviderSelect kind="tts" label="Voice provider" automatic {...provider('voiceProvider')} />
            <TextField
              label="Voice"
              placeholder="The provider's default"
              spellCheck={false}
              disabled={!draft.voiceProvider}
              {...wired('voiceId')}
            />
          </Fields>
        </Card>
        <Card title="Ears">
          <Fields>
            <ProviderSelect kind="stt" label="Transcriber" automatic {...provider('transcriberProvider')} />
            <TextField
              label="Transcriber model"
              placeholder="The provider's default"
              spellCheck={false}
              disabled={!draft.transcriberProvider}
              {...wired('transcriberModel')}
            />
            <TextField label="Language" placeholder="en" spellCheck={false} disabled={!draft.transcriberProvider} {...wired('language')} />
          </Fields>
        </Card>
      </div>
    </div>
  );
}

function Fields({ children }: { children: ReactNode }) {
  return <div className="flex flex-col gap-5">{children}</div>;
}
