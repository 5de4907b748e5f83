// Run actor: builds the live agent of a definition and lets it think; its tools are in act.ts. Both live as long as the run.
//   A2. No live object is shared by two sessions: each run builds its own from the definition.
//   S6. A delta of a run that was ended goes nowhere: its signal is asked each time.

import { fromCallback, fromPromise } from 'xstate'
import { policyOf } from '../../machines/approval.ts'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { noteOwner, notesForModel } from '../../machines/notes.ts'
import { failureOf } from '../../machines/failure.ts'
import { runMachine } from '../../machines/run.ts'
import type { Answer, RunInput, Thinking } from '../../machines/run-words.ts'
import type { PlannedCall, Step, ToolCall } from '../../machines/steps.ts'
import type { Tool } from '../tools/tool.ts'
import { act } from './act.ts'
import { credited } from './credit.ts'
import { endingItsChildren } from './ending.ts'
import { toldHistory } from './history.ts'
import { type Parts, type Stage, tellGateway } from './parts.ts'
import { persist } from './persist.ts'
import { shownIn } from './shown.ts'
import { summarise } from './summary.ts'
import { closeToolbox, toolsOf } from './toolbox.ts'

export function runActor(parts: Parts) {
  const machine = runMachine.provide({
    actors: {
      summarise: fromPromise(({ input, signal }) => summarise(parts, input, signal)),
      think: fromPromise(({ input, signal, system }) => think(parts, input, { signal, system })),
      toolbox: fromCallback(
        ({ input }) =>
          () =>
            void closeToolbox(parts, input.session),
      ),
      act: fromPromise(({ input, signal, system }) => act(parts, input, { signal, system })),
      record: fromPromise(async ({ input, signal, system }) => {
        const { run, steps, replies } = input
        const { channel, session: sessionKey, turn } = run
        const written = steps.map((step) => ({ turn, step }))
        await persist(parts, { channel, sessionKey, settled: [], entries: [], replies, steps: written }, signal)
        for (const { conversation } of replies) tellGateway(system, { type: 'outbox.owed', channel, conversation })
      }),
    },
    actions: {
      noteLeftOut: (_, { session, turn, entries }) => {
        parts.log.warn({ session, turn, entries }, 'the oldest part of a history has no room and is left out')
      },
    },
  })
  return endingItsChildren(machine)
}

async function think(parts: Parts, thinking: Thinking, { signal, system }: Stage): Promise<Answer> {
  const { run, steps, mayCall } = thinking
  const { definition, session, turn } = run
  const log = parts.log.child({ session, turn, agent: definition.id })
  const end = parts.observe.begin({ kind: 'answer', session, agent: definition.id })
  try {
    const tools = await toolsOf(parts, { run, system })
    const noted = await withNotes(parts, run)
    signal.throwIfAborted()
    const shown = await parts.folderUses.during({ session, turn }, shownIn(parts, run))
    const agent = await parts.buildAgent({ definition: noted, secret: parts.secret, log, world: parts.world })
    // Ended while its tools were being opened, it asks for nothing any more (S38); its successor may be speaking already.
    signal.throwIfAborted()
    const request = {
      history: toldHistory(run, { tools, shown: shown.ofEntry }),
      messages: shown.messages,
      steps,
      tools,
      mayCall,
      signal,
      onDelta: showingPieces(parts, run, signal),
    }
    const { thought, credit } = await credited(parts, { run, agent, first: { ...run, definition: noted }, request })
    log.debug({ ...credit, calls: thought.calls.length }, 'the model answered')
    end('done')
    parts.onAnswer(definition.id, null)
    const calls = planned(thought.calls, { run, tools, steps })
    const isCut = thought.isCut === true && calls.length === 0
    return { text: thought.text, calls, atMs: parts.world.nowMs(), ...credit, ...(isCut ? { isCut } : {}) }
  } catch (error) {
    end(signal.aborted ? 'stopped' : 'failed')
    if (!signal.aborted) {
      log.warn({ err: error }, 'a run failed')
      parts.onAnswer(definition.id, failureOf(error))
    }
    throw error
  }
}

/** An agent that keeps notes is told those about the person whom it answers. */
async function withNotes(parts: Parts, { definition, messages, session }: RunInput): Promise<AgentDefinition> {
  const [first] = messages
  if (first === undefined || !definition.tools.includes('memory')) return definition
  const notes = notesForModel(await parts.notes.list(definition.id, noteOwner(session, first.sender)))
  const instructions = [definition.instructions, notes].filter((text) => text.trim() !== '').join('\n\n')
  return { ...definition, instructions }
}

/** Shows the pieces of an answer as they come, and keeps them for the case that there is no more of it. */
function showingPieces(parts: Parts, { channel, conversation, session, turn }: RunInput, signal: AbortSignal) {
  parts.said.begin(session, turn)
  return (text: string): void => {
    if (signal.aborted) return
    parts.said.add(session, text)
    parts.adapters.get(channel)?.show(conversation, { kind: 'delta', session, turn, text })
  }
}

interface Planning {
  readonly run: RunInput
  readonly tools: readonly Tool[]
  readonly steps: readonly Step[]
}

/** What tools and definition say of each call at the moment of asking stays with it, also after a crash. */
function planned(asked: readonly ToolCall[], { run, tools, steps }: Planning): PlannedCall[] {
  const taken = new Set(steps.flatMap((step) => (step.kind === 'answer' ? step.calls.map(({ id }) => id) : [])))
  return asked.map((call, index) => {
    const tool = tools.find(({ name }) => name === call.tool)
    // Some servers number their calls anew in each answer; within a run a name is one call's.
    const id = taken.has(call.id) ? `${call.id}.${taken.size + index}` : call.id
    if (tool === undefined) return { ...call, id, policy: 'allow', idempotent: true }
    return { ...call, id, policy: policyOf(run.definition, tool), idempotent: tool.idempotent }
  })
}
