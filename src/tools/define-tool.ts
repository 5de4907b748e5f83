// Define tool: what a user's own module exports. Published as `troupe/tool`; stands alone, so that its types do too.
//   The tool is called like its file: ./tools/invoice.ts is `invoice`.

export interface OwnTool<Input = Readonly<Record<string, unknown>>> {
  /** For the model: what it does and when to use it. */
  readonly description: string
  /** A JSON Schema of type `object`; left out: the tool takes nothing. What the model gives is held against it before `call`. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** It changes something outside the conversation, so a person is asked first. Left out: true. */
  readonly changes?: boolean
  /** Doing it twice is the same as doing it once: after a crash in the middle of it, it may be done again. Left out: false. */
  readonly idempotent?: boolean
  /** How long one call may take, in milliseconds. Left out: a minute. */
  readonly timeoutMs?: number
  /**
   * Returns what the model is told: text, or a value that is given as JSON. What it throws is told too, by its message.
   * When `signal` aborts, it should end what it started: nobody waits for it any more.
   */
  call(input: Input, scope: OwnToolScope): unknown
}

export interface OwnToolScope {
  /** Of this call, and of no other; the same when it is done again after a crash: a key for services that do a thing once. */
  readonly id: string
  readonly signal: AbortSignal
  /** The absolute path of the working folder; it exists. */
  readonly workdir: string
  /** Who asked for the turn. */
  readonly sender: { readonly id: string; readonly name: string | null; readonly handle: string | null }
}

/** Gives the module's default export its type; changes nothing about it. */
export function defineTool<Input = Readonly<Record<string, unknown>>>(tool: OwnTool<Input>): OwnTool<Input> {
  return tool
}
