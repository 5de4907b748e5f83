// Tool: the contract between a run and what its agent can do besides talking. Built from the definition inside the run that uses
// it, never shared by two sessions (A2), and closed with it.

import type { AgentDefinition, McpDefinition, SecretReference } from '../../machines/definitions.ts'
import type { McpCall, McpTool } from '../../machines/mcp-messages.ts'
import type { Sender } from '../../machines/messages.ts'
import type { Note } from '../../machines/notes.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'

export interface Tool {
  /** Letters, digits, `_`, `-`, and `.` between a server's name and its tool's; at most 64 characters. Unique in a toolbox. */
  readonly name: string
  /** For the model: what it does and when to use it. */
  readonly description: string
  /** A JSON Schema of type `object`. `call` holds what the model gives against it, and rejects with `refused` in words. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** It changes something outside the conversation: a person is asked first, unless the definition's `approval` says otherwise. */
  readonly changes: boolean
  /** What an input is held against before the call, when that is not `parameters`: a schema from elsewhere may be a trap. */
  readonly judgedBy?: Readonly<Record<string, unknown>>
  /** Doing it twice is the same as doing it once: after a crash in the middle of it, it may be done again. */
  readonly idempotent: boolean
  /**
   * Resolves with what the model is told. Rejects with a FailureError when it could not be done: the model reads its message.
   * When `signal` aborts, everything that it started ends, and it rejects with `cancelled`. Nothing of it runs after it settled.
   */
  call(input: ToolInput, scope: ToolScope): Promise<string>
}

export type ToolInput = Readonly<Record<string, unknown>>

/** What one call may know of its run. */
export interface ToolScope {
  /** Of this call, and of no other; the same when it is done again after a crash. */
  readonly id: string
  readonly signal: AbortSignal
  /** The absolute path of the working folder; it exists. */
  readonly workdir: string
  /** Who asked for the turn: the first sender. */
  readonly sender: Sender
}

/** Everything a toolbox is built from. */
export interface ToolParts {
  readonly definition: AgentDefinition
  /** The session's key; its working folder and its notes hang on it. */
  readonly session: string
  /** The turn's id, unique within the session and the same after a crash. */
  readonly turn: string
  /** The gateway's data folder, absolute. */
  readonly data: string
  /** The value of a secret, at the moment of use; throws FailureError `missing` with the variable's name. */
  readonly secret: (reference: SecretReference) => string
  readonly notes: Notes
  readonly mcp: McpServers
  readonly world: World
  readonly log: Log
}

export interface Toolbox {
  readonly tools: readonly Tool[]
  /** The absolute path of the working folder; it is there as long as the toolbox is open. Empty: none of its tools has one. */
  readonly workdir: string
  /** Ends what the tools hold open; resolves when nothing of it runs. The folder stays: the run may go on in another process. */
  close(): Promise<void>
}

/** Builds the tools of a definition; loads a tool's library at its first use. */
export type BuildTools = (parts: ToolParts) => Promise<Toolbox>

/** Files that people sent to a session, in its work folder; a name is one within that folder, and never a path. */
export interface Received {
  /** null: no such file is there. */
  look(name: string): Promise<ReceivedFile | null>
  /** Writes a file with what `fill` gives to `take`: whole or not at all. Older files make room for it. */
  keep(name: string, fill: (take: (piece: Uint8Array) => Promise<void>) => Promise<void>): Promise<void>
  /** All of it; null: it is not there any more, or larger than `bytesMax`. */
  bytes(name: string, bytesMax: number): Promise<Uint8Array | null>
  /** As much of its text as is in its first `bytesMax` bytes; null: it is no text. */
  text(name: string, bytesMax: number): Promise<{ readonly text: string; readonly isWhole: boolean } | null>
}

export interface ReceivedFile {
  readonly bytes: number
  /** Its first bytes. */
  readonly head: Uint8Array
}

/** Opens that folder of a session; loads what it needs at its first use. */
export type OpenReceived = (parts: ReceivedParts) => Promise<Received>

export type ReceivedParts = Pick<ToolParts, 'definition' | 'session' | 'turn' | 'data' | 'world'>

/**
 * Removes what was made for a turn alone, once nothing works there any more: the folder of a run, or in one that stays what the end of
 * a process left: the temporary files of commands, and halves of files that people sent. Where there is nothing, nothing.
 */
export type ClearFolder = (of: ClearedParts) => Promise<void>

export interface ClearedParts extends Pick<ToolParts, 'definition' | 'session' | 'turn' | 'data'> {
  /** Of the turn's messages. */
  readonly seqs: readonly number[]
}

/** Durable notes of one agent about one person, kept by the store. `user` is as `noteOwner` in machines/notes.ts makes it. */
export interface Notes {
  /** Oldest first. */
  list(agent: string, user: string): Promise<readonly Note[]>
  /** Returns the note's number; a text that stands there already keeps its number, and nothing is written. */
  add(agent: string, user: string, text: string): Promise<number>
  /** False: there is no such note. */
  remove(agent: string, user: string, number: number): Promise<boolean>
}

/** The MCP servers of a run's agent, by their names in the file. Both reject with a FailureError that the model can read. */
export interface McpServers {
  /** Starts the server when it does not run. */
  list(server: string, signal: AbortSignal): Promise<readonly McpTool[]>
  call(server: string, call: Pick<McpCall, 'tool' | 'input' | 'idempotent'>, signal: AbortSignal): Promise<string>
}

/** What one MCP server is reached with. */
export interface McpParts {
  readonly agent: string
  /** Its name in the file. */
  readonly name: string
  readonly definition: McpDefinition
  readonly secret: (reference: SecretReference) => string
  readonly world: World
  readonly log: Log
}

/** A server that was reached: what it has, and the way to call it. Given to the actor that owns it, and to nobody else (A2). */
export interface McpServer {
  readonly tools: readonly McpTool[]
  /**
   * Resolves with the server's own answer, also when it says that it could not. Rejects with a FailureError; when `signal` aborts,
   * the server is told and it rejects with `cancelled`.
   */
  call(tool: string, input: ToolInput, signal: AbortSignal): Promise<McpTold>
}

export interface McpTold {
  readonly text: string
  readonly failed: boolean
}

/**
 * Starts a server, tells `live` what it has, again when that changes, and lasts as long as it runs. Resolves after `signal` aborted,
 * rejects with a FailureError when the server did not start or ended by itself: nothing of it runs any more then.
 */
export type RunMcp = (parts: McpParts, live: (server: McpServer) => void, signal: AbortSignal) => Promise<void>
