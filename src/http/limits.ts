// HTTP limits: what one client, and all of them together, may take from the port (M2).

/** The longest text (65,536 units of at most three bytes each in UTF-8) with room for the rest of its JSON. */
export const BODY_BYTES_MAX = 256 * 1024

/** A whole conversation comes with each request of the OpenAI API: 200,000 tokens of three bytes, with room for the rest of its JSON. */
export const COMPLETION_BYTES_MAX = 1024 * 1024

/** So much of a body that is too large is read and thrown away: its client, which is still sending, reads why and not that it was cut. */
export const DISCARDED_BYTES_MAX = 16 * 1024 * 1024

/** What is refused at once has been refused by then; the headers of a stream wait no longer. */
export const FIRST_WORD_MS_MAX = 250

/** Conversation, user and message ids, in UTF-16 units. */
export const IDENTIFIER_UNITS_MAX = 256

/** A session's address: up to three identifiers, of which each unit may take nine characters (`%E2%82%AC`). */
export const WATCH_UNITS_MAX = 8_192

/** Rows of one list. */
export const LIST_ROWS = 100
export const LIST_ROWS_MAX = 1_000

/** Rows before a page; more sessions than one data folder is made for. */
export const OFFSET_MAX = 10_000_000

/** A place in the supervision tree: three ids of the longest kind, percent signs included. */
export const PLACE_UNITS_MAX = 4_096

/** Sockets at once; the ones over it are closed before they are read. Well under a usual limit of open files. */
export const SOCKETS_MAX = 2_000

/** Event streams at once: half of the sockets, so that watchers cannot keep writers out. */
export const STREAMS_MAX = 1_000

/** A client that has not sent its headers, or its whole request, by then is cut off. */
export const HEADERS_MS_MAX = 10_000
export const REQUEST_MS_MAX = 30_000

/** An unused connection is kept this long for the next request. */
export const KEEP_ALIVE_MS = 5_000

/** Shorter than the idle time after which usual proxies cut a connection (60 s), with room for a late one. */
export const HEARTBEAT_MS = 15_000

/** Bytes that may wait for one reader before the next event waits too. */
export const BACKLOG_BYTES = 64 * 1024

/** More than this waits only when its reader is stuck: the stream is cut, and resumes by Last-Event-ID. */
export const BACKLOG_BYTES_MAX = 1024 * 1024

/** A reader that takes nothing for this long while something waits is gone or stuck. */
export const STALL_MS_MAX = 30_000

/** What requests under way get when the server closes. */
export const CLOSE_MS_MAX = 800
