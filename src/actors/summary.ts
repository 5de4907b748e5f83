// Summary: a history that has no room becomes one, before the run that it is for. Nobody is told; the transcript keeps all of it.
//   A summary is on disk before the run goes on with it. A crash in between leaves it there alone, and it is not made again.
//   S6. Nothing of a run that was ended is written: its signal is asked before each try.

import { FailureError } from '../../machines/failure.ts'
import { fitting, SUMMARISE } from '../../machines/history.ts'
import type { NewTranscriptEntry, TranscriptEntry } from '../../machines/messages.ts'
import type { RunInput } from '../../machines/run-words.ts'
import { credited } from './credit.ts'
import { toldHistory } from './history.ts'
import type { Parts } from './parts.ts'
import { persist } from './persist.ts'
import { withoutFiles } from './shown.ts'

/** Resolves with the history that begins with the summary, and is nothing else. */
export async function summarise(parts: Parts, run: RunInput, signal: AbortSignal): Promise<readonly TranscriptEntry[]> {
  const { channel, session, turn } = run
  const log = parts.log.child({ session, turn, agent: run.definition.id })
  try {
    const entry = await summaryOf(parts, run, signal)
    const commit = { channel, sessionKey: session, settled: [], entries: [entry], replies: [] }
    await persist(parts, commit, signal)
    log.info({ entries: run.history.length }, 'a history was summarised before a run')
    return [{ ...entry, seq: 0, atMs: parts.world.nowMs(), steps: [] }]
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'a history was not summarised')
    throw error
  }
}

async function summaryOf(parts: Parts, run: RunInput, signal: AbortSignal): Promise<NewTranscriptEntry> {
  const { session, turn } = run
  const { secret, world } = parts
  const definition = { ...run.definition, tools: [] }
  const messages = run.messages.slice(0, 1).map((message) => ({ ...withoutFiles(message), text: SUMMARISE }))
  const asked = { ...run, definition, messages }
  const history = fitting(asked)
  if (history.length === 0) throw new FailureError(NO_ROOM)
  const log = parts.log.child({ session, turn, agent: definition.id })
  const agent = await parts.buildAgent({ definition, secret, log, world })
  // Ended while its agent was being built, it asks for nothing any more (S38).
  signal.throwIfAborted()
  const tools: [] = []
  const told = { history: toldHistory({ ...asked, history }, { tools }), messages, steps: [], tools, mayCall: false }
  const request = { ...told, signal, onDelta: () => {} }
  const end = parts.observe.begin({ kind: 'answer', session, agent: definition.id })
  try {
    const first = { definition, history, messages }
    const { thought, credit } = await credited(parts, { run, agent, first, request })
    end('done')
    return { role: 'summary', turn, text: thought.text, sender: null, ...credit }
  } catch (error) {
    end(signal.aborted ? 'stopped' : 'failed')
    throw error
  }
}

const NO_ROOM = {
  kind: 'permanent',
  reason: 'refused',
  message: 'not even the newest turn has room in the model’s context',
} as const
