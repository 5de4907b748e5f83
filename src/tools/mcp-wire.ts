// MCP wire: what carries the messages to a server and back; the client library is given it, whatever is behind it.

import type { Failure } from '../../machines/failure.ts'

export interface Wire {
  /** Resolves when nothing of the server runs or is connected any more, with why; never rejects. */
  readonly ended: Promise<Failure>
  /** What comes from the server; nothing comes before somebody listens. */
  onMessage(listener: (message: unknown) => void): void
  /** What is lost is told by `ended`. */
  send(message: object): void
  /** Ends it; a second call changes nothing. */
  close(): void
}
