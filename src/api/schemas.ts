/**
 * The shapes of requests and answers, for validation and for the OpenAPI document. Vapi-shaped bodies are loose: a field that we do
 * not know is kept and named in a warning. Assistants have their own schema in the agent room.
 */
import { z } from 'zod';
import { Assistant as AssistantBody } from '../agent/assistant.ts';
import { RATES } from '../audio/format.ts';

const id = z.string().max(200);
export const ById = z.object({ id });

const resource = { id: z.uuid(), orgId: z.uuid(), createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() };

export const CreateAssistant = AssistantBody.meta({
  id: 'CreateAssistant',
  description: 'An assistant: what it says, thinks with and sounds like.',
});
export const Assistant = z.looseObject({ ...AssistantBody.shape, ...resource }).meta({ id: 'Assistant' });

export const UpdateAssistant = AssistantBody.partial().meta({
  id: 'UpdateAssistant',
  description: 'The fields to change; `null` clears one.',
});

const ErrorBody = z
  .object({
    message: z.union([z.string(), z.array(z.string())]),
    error: z.string(),
    statusCode: z.int(),
    code: z.string().meta({ description: 'Stable, from the table of errors.' }),
    fix: z.string().meta({ description: 'What to do next.' }),
    faults: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Error' });

const Customer = z.looseObject({
  number: z.string().min(3).max(40).nullish(),
  sipUri: z.string().nullish(),
  email: z.string().max(40).nullish(),
  externalId: z.string().max(40).nullish(),
  name: z.string().max(40).nullish(),
  extension: z.string().max(10).nullish(),
  numberE164CheckEnabled: z.boolean().nullish(),
});
const e164 = z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be an E.164 number');
/** `twilioPhoneNumber` in the SDK, `number` in the documentation. */
const PhoneNumber = z
  .looseObject({
    twilioAccountSid: z.string().regex(/^AC[0-9a-f]{32}$/, 'must be a Twilio account SID'),
    twilioAuthToken: z.string().min(1),
    twilioPhoneNumber: e164.optional(),
    number: e164.optional(),
  })
  .refine(({ twilioPhoneNumber, number }) => twilioPhoneNumber ?? number, { path: ['twilioPhoneNumber'], message: 'is required' });
const AudioFormat = z.object({
  format: z.enum(['pcm_s16le', 'mulaw']).default('pcm_s16le'),
  container: z.literal('raw').default('raw'),
  sampleRate: z.int().min(RATES.least).max(RATES.most).optional(),
});
const Transport = z.looseObject({
  provider: z.string().max(40),
  audioFormat: AudioFormat.nullish(),
});

export const CreateCall = z
  .looseObject({
    assistantId: z.string().max(200).nullish(),
    assistant: z.looseObject({}).nullish().meta({ description: 'A transient assistant, in the shape of CreateAssistant.' }),
    assistantOverrides: z.looseObject({ variableValues: z.record(z.string(), z.unknown()).nullish() }).nullish(),
    customer: Customer.nullish(),
    phoneNumber: PhoneNumber.nullish(),
    transport: Transport.nullish(),
    name: z.string().max(40).nullish(),
    metadata: z.looseObject({}).nullish(),
    roomDeleteOnUserLeaveEnabled: z.boolean().nullish().meta({ description: "Of Vapi's browser client; a call ends when its line does." }),
  })
  .meta({ id: 'CreateCall', description: 'One of `assistantId` and `assistant`; reached by `customer.number` or by `transport`.' });
export type CreateCall = z.infer<typeof CreateCall>;

export const UpdateCall = z.looseObject({ name: z.string().max(40).nullish() }).meta({ id: 'UpdateCall' });

export const DeleteCall = z.looseObject({ ids: z.array(z.string()).nullish() });

export const Call = z
  .looseObject({
    ...resource,
    type: z.enum(['inboundPhoneCall', 'outboundPhoneCall', 'webCall', 'vapi.websocketCall']),
    status: z.enum(['queued', 'ringing', 'in-progress', 'forwarding', 'ended']),
    endedReason: z.string().optional(),
    endedMessage: z.string().optional(),
    startedAt: z.iso.datetime().optional(),
    endedAt: z.iso.datetime().optional(),
    assistantId: z.string().optional(),
    transport: z.looseObject({ provider: z.string(), websocketCallUrl: z.string().optional() }).optional(),
    monitor: z.object({ controlUrl: z.string().optional(), listenUrl: z.string().optional() }).optional(),
    artifact: z.looseObject({}).optional(),
  })
  .meta({ id: 'Call' });

const date = z
  .string()
  .transform((text, context) => {
    const parsed = new Date(text);
    if (!Number.isNaN(parsed.getTime())) return parsed;
    context.addIssue({ code: 'custom', message: 'must be a date in ISO 8601' });
    return z.NEVER;
  })
  .optional();

export const ListQuery = z.object({
  limit: z.coerce.number().int().min(0).max(1_000).default(100),
  createdAtGt: date,
  createdAtLt: date,
  createdAtGe: date,
  createdAtLe: date,
  updatedAtGt: date,
  updatedAtLt: date,
  updatedAtGe: date,
  updatedAtLe: date,
});
export const CallQuery = ListQuery.extend({
  id: z.string().optional(),
  assistantId: z.string().optional(),
  phoneNumberId: z.string().optional(),
});
export type ListQuery = z.infer<typeof ListQuery>;

export const CreateCredential = z
  .object({ provider: z.string().min(1).max(60), name: z.string().max(40).optional() })
  .catchall(z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]))
  .meta({
    id: 'CreateCredential',
    description: 'A provider key (`apiKey`) or a carrier account. Secrets are sealed and never given back.',
  });
export const Credential = z.looseObject({ ...resource, provider: z.string(), name: z.string().optional() }).meta({ id: 'Credential' });

/** What `parseControl` reads, for the description: it judges by itself. */
export const Control = z
  .looseObject({
    type: z.enum(['say', 'add-message', 'control', 'end-call', 'text']),
    content: z.string().optional().meta({ description: '`say`: the words.' }),
    endCallAfterSpoken: z.boolean().optional(),
    interruptionsEnabled: z.boolean().optional(),
    interruptAssistantEnabled: z.boolean().optional(),
    message: z
      .union([z.string(), z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: z.string() })])
      .optional()
      .meta({ description: '`add-message`: what goes into the memory. `say`: the words, as the browser SDK names them.' }),
    triggerResponseEnabled: z.boolean().optional(),
    control: z.enum(['mute-assistant', 'unmute-assistant', 'mute-customer', 'unmute-customer', 'say-first-message']).optional(),
    text: z.string().optional().meta({ description: '`text`: what the caller types.' }),
  })
  .meta({ id: 'Control', description: 'A command to a live call.' });
export const Obeyed = z.object({ status: z.literal('ok') });

/** A carrier's callback; a field that comes twice is a list. */
export const Form = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const latency = z.number().nullable();
export const Timeline = z
  .looseObject({
    call: Call,
    events: z.array(z.looseObject({ type: z.string(), call: z.string(), seq: z.int(), at: z.number(), wall: z.number() })),
    turns: z.array(z.looseObject({ turn: z.int(), caller: z.string(), agent: z.string(), decideMs: latency, totalMs: latency })),
    webhooks: z.array(z.looseObject({ id: z.string(), type: z.string(), state: z.string(), attempts: z.int() })),
    warningCount: z.int(),
    errorCount: z.int(),
  })
  .meta({ id: 'Timeline' });

export const ProviderList = z
  .object({
    providers: z.array(
      z.object({
        kind: z.enum(['stt', 'llm', 'tts']),
        name: z.string(),
        configured: z.boolean(),
        needs: z.string().meta({ description: 'The variable that is missing or used; empty when it needs none.' }),
        settings: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of its part of an assistant.' }),
      }),
    ),
  })
  .meta({ id: 'ProviderList' });

/** A route's answers: what it gives when all is well, and the one shape of everything else. */
export function answers<T extends z.ZodType>(schema: T, code: 200 | 201 = 200) {
  return { [code]: schema, '4xx': ErrorBody, '5xx': ErrorBody };
}
