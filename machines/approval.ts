// Approval: which calls a person is asked about, and what they may answer. Pure.
//   The prompt shows exactly what will run. An approval is answered by its name; without one when only one waits.
//   A name is never used twice in a session, so that an old button decides nothing new.

import { isNamed } from './admission.ts'
import type { AgentDefinition, ApprovalPolicy } from './definitions.ts'
import type { AcceptedMessage, Choice, Reply } from './messages.ts'
import { type PlannedCall, type Step, undecidedCalls } from './steps.ts'

export interface Approval {
  /** The call's id in its run. */
  readonly call: string
  /** What `/approve` and `/deny` name. */
  readonly name: string
  readonly tool: string
  readonly input: unknown
  /** Who may decide, as in a definition's `approvers`; empty: whoever may speak in the conversation. */
  readonly approvers: readonly string[]
}

/** The definition's word on a tool: by its full name first, then by the longest prefix that ends in `.*`. */
export function policyOf(
  definition: Pick<AgentDefinition, 'approval'>,
  tool: { readonly name: string; readonly changes: boolean },
): ApprovalPolicy {
  const exact = definition.approval[tool.name]
  if (exact !== undefined) return exact
  const prefixes = Object.keys(definition.approval).filter(
    (pattern) => pattern.endsWith('*') && tool.name.startsWith(pattern.slice(0, -1)),
  )
  const longest = prefixes.sort((a, b) => b.length - a.length)[0]
  return (longest === undefined ? undefined : definition.approval[longest]) ?? (tool.changes ? 'ask' : 'allow')
}

/** The approvals that a run waits for. */
export function approvalsOf(turn: string, steps: readonly Step[], approvers: readonly string[]): readonly Approval[] {
  const asked = steps.flatMap((step) => (step.kind === 'answer' ? step.calls : []))
  return undecidedCalls(steps).map((call) => ({
    call: call.id,
    name: `${turn.replace(/^turn-/, '')}-${asked.findIndex(({ id }) => id === call.id) + 1}`,
    tool: call.tool,
    input: call.input,
    approvers,
  }))
}

/** The question, as it goes into the conversation. */
export function promptOf(agent: string, approval: Approval, timeoutMs: number): Pick<Reply, 'text' | 'choices'> {
  const { name } = approval
  const choices: readonly Choice[] = [
    { label: 'Approve', text: `/approve ${name}` },
    { label: 'Deny', text: `/deny ${name}` },
  ]
  const wait =
    timeoutMs < 120_000 ? `${Math.ceil(timeoutMs / 1_000)} seconds` : `${Math.floor(timeoutMs / 60_000)} minutes`
  const text = `${agent} asks to use ${callText(approval)}\n/approve ${name} or /deny ${name}; without an answer in ${wait} it is not done.`
  return { text, choices }
}

/** The tool's name and its input, whole: nothing that will run is hidden, or looks like something else. */
function callText({ tool, input }: Pick<PlannedCall, 'tool' | 'input'>): string {
  const shown = typeof input === 'string' ? input : JSON.stringify(input, null, 2)
  return `${tool}:\n${fenced(visible(shown))}`
}

/** Signs that a screen leaves out, or turns others round for, as JSON writes them by number. */
function visible(text: string): string {
  return text.replace(UNSEEN, (sign) =>
    sign
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** Not those that make one emoji of several. */
const UNSEEN = /(?!\n|(?<=[\p{Emoji}\ufe0f])[\ufe0f\u200d])[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Zl}\p{Zp}]/gu

export type Verdict =
  | { readonly kind: 'decided'; readonly approval: Approval; readonly approved: boolean; readonly text: string }
  /** It decides nothing; the person is told why. */
  | { readonly kind: 'said'; readonly text: string }

/** What `/approve` or `/deny` means while these approvals wait. */
export function verdictOn(approvals: readonly Approval[], command: AcceptedMessage): Verdict {
  const { name = '', text = '' } = command.command ?? {}
  if (approvals.length === 0) return { kind: 'said', text: 'There is nothing to approve.' }
  const named = text === '' && approvals.length === 1 ? approvals[0] : approvals.find((each) => each.name === text)
  if (named === undefined) return { kind: 'said', text: whichText(approvals, text, name) }
  if (named.approvers.length > 0 && !isNamed(command.sender, named.approvers))
    return { kind: 'said', text: 'You may not decide this. It waits for somebody who may.' }
  const approved = name === 'approve'
  const word = approved ? 'Approved' : 'Denied'
  return { kind: 'decided', approval: named, approved, text: `${word}: ${named.tool} (${named.name}).` }
}

/** Ordinary text during the wait is kept, and its sender reminded. */
export function reminderText(approvals: readonly Approval[]): string {
  return `Your message waits: first somebody has to decide about ${listOf(approvals)}.`
}

function whichText(approvals: readonly Approval[], given: string, command: string): string {
  const said = given === '' ? 'Several approvals wait.' : `No approval named ${given} waits.`
  return `${said} Say /${command} with one of: ${listOf(approvals)}.`
}

function listOf(approvals: readonly Approval[]): string {
  return approvals.map(({ name, tool }) => `${name} (${tool})`).join(', ')
}

/** A fence that nothing inside can close. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}
