// Tools: the fakes behind every toolbox. Each call ends after a virtual delay, fails, throws, or never returns; some do not hear their
// signal. What one will do by itself follows from the run's seed and the call's mark, so that it survives the shrinking of a schedule.
//   A2. A toolbox belongs to one run: it is opened for it, used by it alone, closed once, and never used afterwards.
//   S42. A tool that is not idempotent is called at most once per call, whatever happens to the processes.
// What must be on disk before a call is asked of the ledger's record of the turn (turns.ts).

import { FailureError, type Failure } from '../../machines/failure.ts'
import type { ApprovalPolicy } from '../../machines/definitions.ts'
import type { Tool, Toolbox, ToolInput, ToolParts } from '../../src/tools/tool.ts'
import type { Caller } from './platform.ts'
import { seedOf } from './random.ts'
import type { AgentPlan, ToolAct } from './steps.ts'
import type { Throws } from './throws.ts'
import type { Turns } from './turns.ts'
import type { Verdict } from './violation.ts'

export type ToolName = keyof typeof TOOLS

/** What each changes and may be repeated. */
export const TOOLS = {
  look: { changes: false, idempotent: true },
  count: { changes: false, idempotent: false },
  write: { changes: true, idempotent: false },
  put: { changes: true, idempotent: true },
  wipe: { changes: true, idempotent: false },
} as const

export const TOOL_NAMES = Object.keys(TOOLS) as ToolName[] // Object.keys forgets the keys' type.

/** What the file says of a tool; one that nobody has is told so without asking anybody. */
export function policyIn({ approval }: Pick<AgentPlan, 'approval'>, tool: string): ApprovalPolicy {
  const known = TOOLS[tool as ToolName]
  return known === undefined ? 'allow' : (approval[tool] ?? (known.changes ? 'ask' : 'allow'))
}

/** One call at work. */
export interface Working {
  readonly mark: string
  readonly caller: Caller
  readonly session: string
  readonly signal: AbortSignal
  settled: boolean
  act(how: ToolAct): void
}

export interface Box {
  readonly caller: Caller
  readonly session: string
  readonly turn: string
  state: 'opening' | 'open' | 'closing' | 'closed'
}

export interface ToolshedParts {
  readonly seed: number
  readonly turns: Turns
  readonly verdict: Verdict
  readonly throws: Throws
  readonly hit: (event: string) => void
}

export class Toolshed {
  readonly boxes: Box[] = []
  readonly working: Working[] = []
  /** Everything healed: a tool answers at once, but for those that never return. */
  healed = false
  readonly #calls = new Map<string, number>()
  readonly #parts: ToolshedParts

  constructor(parts: ToolshedParts) {
    this.#parts = parts
  }

  /** Calls that are at work and were not told to end. */
  get running(): readonly Working[] {
    return this.working.filter((each) => !each.settled && !each.signal.aborted)
  }

  async build(caller: Caller, { session, turn, definition }: ToolParts): Promise<Toolbox> {
    const { seed, turns, verdict, hit } = this.#parts
    const dealt = seedOf(seed, hashOf(`${session} ${turns.firstOf(session, turn)}`))
    const other = this.boxes.find((box) => box.session === session && box.state === 'open' && box.caller === caller)
    verdict.check(other === undefined, 'A2', () => `a toolbox for ${session} ${turn} beside that of ${other?.turn}`)
    const box: Box = { caller, session, turn, state: 'opening' }
    this.boxes.push(box)
    hit('a toolbox was opened')
    try {
      this.#parts.throws.pass('toolbox', session)
    } catch (error) {
      this.#gone(box)
      throw error
    }
    if (dealt % 9 === 0 && !this.healed) await after(caller, 500)
    if (dealt % 23 === 0) {
      hit('a toolbox could not be built')
      this.#gone(box)
      throw new FailureError(UNBUILT)
    }
    box.state = 'open'
    return {
      tools: definition.tools.map((name) => this.#tool(box, name as ToolName)), // definition.ts gives no others.
      workdir: '/nowhere',
      close: () => this.#close(box, dealt),
    }
  }

  heal(): void {
    this.healed = true
    for (const each of [...this.working]) each.act('answer')
  }

  lose(caller: Caller): void {
    keepWhere(this.boxes, (box) => box.caller !== caller)
    keepWhere(this.working, (each) => each.caller !== caller)
  }

  async #close(box: Box, dealt: number): Promise<void> {
    const { verdict, hit } = this.#parts
    verdict.check(
      box.state === 'open',
      'A2',
      () => `the toolbox of ${box.session} ${box.turn} is closed when ${box.state}`,
    )
    box.state = 'closing'
    hit('a toolbox was closed')
    if (dealt % 7 === 0) await after(box.caller, 1_000)
    this.#gone(box)
    this.#parts.throws.pass('close', box.session)
  }

  #gone(box: Box): void {
    box.state = 'closed'
    keepWhere(this.boxes, (each) => each !== box)
  }

  #tool(box: Box, name: ToolName): Tool {
    return {
      name,
      description: name,
      parameters: { type: 'object' },
      ...TOOLS[name],
      call: async (input, { signal }) => this.#call(box, { name, input, signal }),
    }
  }

  /** A defect of the tool's own, in the moment in which it is called. */
  #mayThrow(session: string, mark: string): void {
    const { throws, turns } = this.#parts
    try {
      throws.pass('tool', session)
    } catch (thrown) {
      turns.said(mark, { failed: true, text: '' })
      throw thrown
    }
  }

  #call(box: Box, { name, input, signal }: { name: ToolName; input: ToolInput; signal: AbortSignal }): Promise<string> {
    const { verdict, turns, hit, seed } = this.#parts
    const { caller, session } = box
    if (!caller.alive) return new Promise(() => {})
    const mark = String(input['mark'])
    verdict.check(box.state === 'open', 'A2', () => `${mark}: ${name} of a toolbox that is ${box.state}`)
    const times = (this.#calls.get(mark) ?? 0) + 1
    this.#calls.set(mark, times)
    if (times > 1) hit('an idempotent tool was called again')
    verdict.check(times === 1 || TOOLS[name].idempotent, 'S42', () => `${mark}: ${name} was called a second time`)
    const beside = this.running.some((each) => each.mark === mark && each.caller === caller)
    verdict.check(!beside, 'S42', () => `${mark}: ${name} is called while the call before it is at work`)
    turns.checkCall({ session, turn: box.turn, tool: name, mark })
    hit(`a tool was called: ${name}`)
    this.#mayThrow(session, mark)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const dealt = seedOf(seed, hashOf(mark))
    const deaf = dealt % 4 === 0
    const end = (failed: boolean, text: string, settle: () => void): void => {
      if (working.settled || !caller.alive) return
      working.settled = true
      keepWhere(this.working, (each) => each !== working)
      turns.said(mark, { failed, text })
      settle()
    }
    const act = (how: ToolAct): void => {
      if (how === 'late' && !signal.aborted) return
      hit(`tool ${signal.aborted ? 'late' : how}`)
      const text = how === 'long' ? `result ${mark} ${'x'.repeat(70_000)}` : `result ${mark}`
      if (how === 'fail') end(true, `no ${mark}`, () => reject(new FailureError({ ...FAILED, message: `no ${mark}` })))
      else if (how === 'defect') end(true, '', () => reject(new TypeError('a defect in a tool')))
      else end(false, text, () => resolve(text))
    }
    const never = dealt % 13 === 0
    const working: Working = { mark, caller, session, signal, settled: false, act: never ? () => {} : act }
    this.working.push(working)
    if (never) hit('a tool never returns')
    signal.addEventListener('abort', () => {
      hit(deaf ? 'a tool was ended and did not hear it' : 'a tool was ended')
      if (!deaf) end(true, '', () => reject(new FailureError(ENDED)))
    })
    this.#plan(working, dealt)
    return promise
  }

  #plan({ caller, act }: Working, dealt: number): void {
    if (this.healed) return act('answer')
    const delays = [0, 0, 0, 10, 300, 4_000, 30_000, null, null, null]
    const delayMs = delays[(dealt >>> 5) % delays.length]!
    if (delayMs === null) return
    const how = (['answer', 'answer', 'answer', 'answer', 'fail', 'defect'] as const)[(dealt >>> 9) % 6]!
    if (delayMs === 0) act(how)
    else caller.clock.setTimeout(() => act(how), delayMs)
  }
}

function after(caller: Caller, ms: number): Promise<void> {
  return new Promise((resolve) => caller.clock.setTimeout(resolve, ms))
}

/** A number from a text; the same everywhere. */
function hashOf(text: string): number {
  let hash = 7
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash >>> 0
}

export function keepWhere<T>(list: T[], stays: (each: T) => boolean): void {
  const kept = list.filter(stays)
  if (kept.length < list.length) list.splice(0, list.length, ...kept)
}

const UNBUILT: Failure = { kind: 'permanent', reason: 'missing', message: 'an executable is missing' }
const FAILED: Failure = { kind: 'permanent', reason: 'notFound', message: 'it is gone' }
const ENDED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' }
