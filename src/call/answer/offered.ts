/** What a model is told about the agent's tools in this call: those that the line can carry out, without the arguments that are not the model's to choose. */
import type { AgentPlan, ToolPlan } from '../../agent/plan.ts';
import type { LineAbilities } from '../../carriers/carrier.ts';
import type { ToolSpec } from '../../providers/llm/contract.ts';

/** Tools that are the line's own work; before there is a line nothing can do it. */
const OF_THE_LINE: Partial<Record<ToolPlan['kind'], (can: LineAbilities) => boolean>> = {
  transferCall: (can) => can.transfer,
  dtmf: (can) => can.press,
};

export function offered({ tools }: AgentPlan, can: LineAbilities | undefined): ToolSpec[] {
  return tools.filter((tool) => isOffered(tool, can)).map(specOf);
}

export function isOffered({ kind }: ToolPlan, can: LineAbilities | undefined): boolean {
  const needs = OF_THE_LINE[kind];
  return !needs || (can !== undefined && needs(can));
}

const made = new WeakMap<ToolPlan, ToolSpec>();

/** The tool as a model sees it: values that are always sent along are hidden. */
export function specOf(tool: ToolPlan): ToolSpec {
  const hidden = Object.keys(tool.fixed);
  if (hidden.length === 0) return tool.spec;
  const ready = made.get(tool);
  if (ready) return ready;
  const spec = { ...tool.spec, parameters: without(tool.spec.parameters, hidden) };
  made.set(tool, spec);
  return spec;
}

function without(schema: ToolSpec['parameters'], hidden: readonly string[]): ToolSpec['parameters'] {
  const { properties, required } = schema;
  const shown = (name: unknown) => !hidden.includes(String(name));
  return {
    ...schema,
    ...(isObject(properties) && { properties: Object.fromEntries(Object.entries(properties).filter(([name]) => shown(name))) }),
    ...(Array.isArray(required) && { required: required.filter(shown) }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
