/** Writes the documents below that are tables from the tables that the code itself uses. A test compares them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { FIELDS, type Row } from '../src/agent/obedience-table.ts';
import { VENDOR_LIMITS } from '../src/agent/vendor-limits.ts';
import { settingsOf } from '../src/api/vendor-settings.ts';
import { EVENT_SCHEMAS, privacy } from '../src/call/events.ts';
import { accountNames } from '../src/carriers/index.ts';
import { VARIABLES } from '../src/config.ts';
import { ERRORS } from '../src/kernel/errors.ts';
import { FIELD_OF } from '../src/providers/faults.ts';
import { environmentNames, PROVIDERS } from '../src/providers/index.ts';

/** Columns are padded to their widest cell, as the formatter has it. */
function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[], fill = ' ') =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width, fill)).join(' | ')} |`;
  const [top = [], ...rest] = rows;
  return [line(top), line([], '-'), ...rest.map((row) => line(row))].join('\n');
}

function fieldText(name: string, schema: z.ZodType): string {
  const inner = 'unwrap' in schema && schema.def.type === 'nullable' ? ' or null' : '';
  const type = schema.def.type === 'nullable' ? ((schema as z.ZodNullable).unwrap() as z.ZodType).def.type : schema.def.type;
  const values = schema.def.type === 'enum' ? `: ${Object.values((schema as z.ZodEnum).enum).join(', ')}` : '';
  const mark = privacy.get(schema)?.class === 'personal' ? ', personal' : '';
  return `\`${name}\` (${type}${inner}${mark}${values})`;
}

function fateOf(row: Row): readonly string[] {
  switch (row.state) {
    case 'obeyed':
      return [row.limit ? 'in part' : 'yes', row.limit ?? ''];
    case 'refused':
      return ['refused', 'the assistant is not saved while it is set'];
    case 'vendor':
      return ['by the vendor', 'see below'];
    case 'later':
      return ['not yet', row.why];
  }
}

function assistantFields(): string {
  const fields = Object.entries(FIELDS).map(([path, row]) => [`\`${path}\``, ...fateOf(row)]);
  const vendors = PROVIDERS.filter(({ name }) => name !== 'lab').map(({ kind, name }) => [
    FIELD_OF[kind],
    `\`${name}\``,
    [...(settingsOf(kind, name)?.names ?? [])]
      .map((setting) => {
        const limit = VENDOR_LIMITS[`${kind}.${name}.${setting}`]?.limit;
        return `\`${setting}\`${limit ? ` (${limit})` : ''}`;
      })
      .join(', '),
  ]);
  return `# Fields of an assistant\n\nWhat becomes of every field. One that is not obeyed yet is kept, given back, and named in the \`warnings\` header of the answer that saves it or\ncalls with it (\`voicemailDetection is not obeyed yet\`), unless its value asks for what happens anyway: \`off\`, \`false\`, nothing. A row speaks for\neverything below it; \`[]\` is each entry of a list. Made from \`src/agent/obedience-table.ts\` by \`npm run docs\`.\n\n${table(['field', 'obeyed', 'how far, or why not'], fields)}\n\n## Settings of vendors\n\nBeside the fields above, \`model\`, \`voice\` and \`transcriber\` (and each of their fallbacks) hold what their vendor takes. Anything else in them is\nnamed as not obeyed.\n\n${table(['part', 'vendor', 'settings'], vendors)}\n`;
}

/** File name -> content. */
export function generatedDocs(): Record<string, string> {
  const events = EVENT_SCHEMAS.map((schema) => {
    const { type, ...fields } = schema.shape as Record<string, z.ZodType>;
    const name = String((type as z.ZodLiteral).value);
    return [
      `\`${name}\``,
      Object.entries(fields)
        .map(([key, field]) => fieldText(key, field))
        .join('; ') || '–',
    ];
  });
  const errors = Object.entries(ERRORS).map(([code, row]) => [`\`${code}\``, row.kind, String(row.status), row.message, row.fix]);
  const config = VARIABLES.map((variable) => [
    `\`${variable.name}\``,
    variable.gate === 'optional' ? '' : 'yes',
    variable.lab,
    variable.what,
  ]);
  const vendors = [...environmentNames(), ...accountNames()].map((entry) => [`\`${entry.name}\``, entry.what]);
  return {
    'assistant-fields.md': assistantFields(),
    'events.md': `# Events\n\nEverything that can happen in a call. Each event also carries \`call\`, \`seq\` (1, 2, 3 without a gap), \`at\` (ms since the call's first event) and \`wall\` (epoch ms).\nMade from \`src/call/events.ts\` by \`npm run docs\`.\n\n${table(['type', 'fields'], events)}\n`,
    'errors.md': `# Errors\n\nEvery error answer has \`message\`, \`error\`, \`statusCode\`, and from us \`code\`, \`fix\` and \`faults\` (field paths). Made from \`src/kernel/errors.ts\` by \`npm run docs\`.\n\n${table(['code', 'kind', 'HTTP', 'what happened', 'what to do'], errors)}\n`,
    'config.md': `# Configuration\n\nThe environment is the only configuration. \`NODE_ENV\` of exactly \`development\` or \`test\` starts the lab; anything else is production, which refuses to start (exit code 64) until every required variable is set and strong, and lists all faults at once.\nMade from \`src/config.ts\` and the provider and carrier tables by \`npm run docs\`.\n\n${table(['variable', 'required in production', 'in the lab', 'what it is'], config)}\n\n## Providers and carriers\n\nA credential (\`POST /credential\`) goes before these. A key of the environment never goes to an address that a credential (\`baseUrl\`) or an\nassistant names; in production those addresses must be public ones.\n\n${table(['variable', 'what it is'], vendors)}\n`,
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, text] of Object.entries(generatedDocs())) writeFileSync(join(import.meta.dirname, file), text);
}
