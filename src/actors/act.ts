// Act: the tools of one answer, all at once. That a tool begins is on disk before it does; so is its result before the next answer.
//   A call whose outcome is unknown after a crash is not repeated unless its tool is idempotent: `plansOf` decides.
//   S6. What a tool says after its run was ended is neither written nor told.
//   S42. A defect in the midst of one call ends the others: nothing of this run acts beside its successor.

import { assert, failureOf, FailureError, sayable } from '../../machines/failure.ts'
import { RESULT_UNITS_MAX } from '../../machines/limits.ts'
import type { RunInput } from '../../machines/run-words.ts'
import { type CallPlan, type PlannedCall, plansOf, type Step } from '../../machines/steps.ts'
import type { Tool, ToolInput } from '../tools/tool.ts'
import type { Parts, Stage } from './parts.ts'
import { persist } from './persist.ts'
import { toolsOf, workdirOf } from './toolbox.ts'

interface Acting {
  readonly run: RunInput
  readonly steps: readonly Step[]
}

/** Resolves with the steps that it wrote, in the order in which they are on disk. */
export async function act(parts: Parts, { run, steps }: Acting, stage: Stage): Promise<readonly Step[]> {
  const broken = new AbortController()
  const signal = AbortSignal.any([stage.signal, broken.signal])
  const written: Step[] = []
  const { system } = stage
  const tools = await toolsOf(parts, { run, system })
  const write = async (step: Step): Promise<void> => {
    const { channel, session: sessionKey, turn } = run
    await persist(
      parts,
      { channel, sessionKey, settled: [], entries: [], replies: [], steps: [{ turn, step }] },
      signal,
    )
    written.push(step)
  }
  const doOne = async (plan: CallPlan): Promise<void> => {
    if (plan.how === 'call') await write({ kind: 'begin', call: plan.call.id })
    signal.throwIfAborted()
    const result =
      plan.how === 'tell' ? failed(plan.text) : await use(parts, { run, steps, system, tools, call: plan.call }, signal)
    signal.throwIfAborted()
    await write({ kind: 'result', call: plan.call.id, ...result })
  }
  try {
    await Promise.all(plansOf(steps).map(doOne))
  } catch (error) {
    // A promise that rejects by itself is not stopped by anybody, and what it started would go on.
    broken.abort(error)
    throw error
  }
  return written
}

interface Use extends Acting {
  readonly system: unknown
  readonly tools: readonly Tool[]
  readonly call: PlannedCall
}

interface Result {
  readonly text: string
  readonly failed: boolean
}

/** A tool that fails is a result that the model can read, not the end of the run; so is a tool that nobody has. */
async function use(parts: Parts, { run, steps, system, tools, call }: Use, signal: AbortSignal): Promise<Result> {
  const { session, turn, definition, messages } = run
  const log = parts.log.child({ session, turn, agent: definition.id, tool: call.tool })
  const tool = tools.find(({ name }) => name === call.tool)
  if (tool === undefined)
    return failed(`There is no tool ${call.tool}. There are: ${tools.map(({ name }) => name).join(', ')}.`)
  const { input } = call
  if (!isInput(input)) return failed(`The input of ${call.tool} must be an object.`)
  const sender = messages[0]?.sender ?? NOBODY
  const end = parts.observe.begin({ kind: 'tool', session, agent: definition.id, tool: tool.name })
  try {
    const workdir = await workdirOf(parts, { run, system })
    const text = await tool.call(input, { id: idOf({ run, steps }, call), signal, workdir, sender })
    end('done')
    return { text: bounded(text), failed: false }
  } catch (error) {
    end(signal.aborted ? 'stopped' : 'failed')
    if (signal.aborted) throw error
    log.warn({ err: error }, 'a tool failed')
    return failed(error instanceof FailureError ? sayable(failureOf(error)) : 'The tool failed by a defect of its own.')
  }
}

/** The same after a crash. With the time of the answer that asks for it: in a new data folder turns are counted anew. */
function idOf({ run: { session, turn }, steps }: Acting, { id }: PlannedCall): string {
  const answer = steps.findLast((step) => step.kind === 'answer')
  assert(answer?.kind === 'answer', 'a call is open because an answer asked for it')
  return `${session}:${turn}:${id}:${answer.atMs}`
}

const NOBODY = { id: '', name: null, handle: null }

function failed(text: string): Result {
  return { text: bounded(text), failed: true }
}

/** Half an emoji, from a cut, is no Unicode text. */
function bounded(text: string): string {
  if (text.length <= RESULT_UNITS_MAX) return text
  return `${text.slice(0, RESULT_UNITS_MAX).toWellFormed()}\n(${text.length - RESULT_UNITS_MAX} more characters were cut off)`
}

function isInput(input: unknown): input is ToolInput {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}
