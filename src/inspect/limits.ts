// Limits of the inspector: what one message, one page and the recent past may cost. Bounds of the runtime are in machines/.
//   I4. Whatever is inspected, the memory that the inspector takes has a bound.

/** One text, in UTF-16 units: enough to recognise it; the whole of it is in the store. */
export const TEXT_UNITS_SHOWN = 2_000

/** An id, an address, a state; the longest platform ids have a fifth of it. */
export const WORD_UNITS_SHOWN = 400

/** Items of a list, latest first kept: an inbox has 32 places, a history up to 400 entries. */
export const ITEMS_SHOWN = 32

/** Entries of a record: a partition has 64 children, and no parent has more but the one that has as many channels. */
export const ENTRIES_SHOWN = 64

/** Events that wait for the end of the turn of the event loop in which they happened; more are told at once. */
export const UNTOLD_MAX = 10_000

/** Messages of the recent past: about fifty turns of a session, each with its run and its delivery. */
export const RECENT_MESSAGES_MAX = 2_000

export const RECENT_BYTES_MAX = 4 * 1024 * 1024

/** Actors that a newcomer is shown at once, from the root down; the others are introduced when something happens to them. */
export const LIVING_MAX = 500

/** Together with the recent past less than a quarter of what may wait for a page. */
export const LIVING_BYTES_MAX = 8 * 1024 * 1024

/** Waiting to be read by one page; a page that is so far behind is let go and may come again. */
export const WAITING_BYTES_MAX = 64 * 1024 * 1024

/** Actors that one page is remembered to know; the oldest is introduced again. */
export const KNOWN_MAX = 20_000

/** A page of ours has two connections. */
export const CLIENTS_MAX = 16

/** What a client may say: nothing that is listened to. */
export const CLIENT_MESSAGE_BYTES_MAX = 4_096

/** How long the recent past is kept, and added to, when the last page has left: a page that is loaded again finds it. */
export const LINGER_MS = 30_000

/** A page that did not answer a ping by the next one is gone. */
export const PING_MS = 30_000

/** Connections that did not end by themselves at the end are cut: the gateway's end does not wait for a page. */
export const CLOSE_MS_MAX = 500

/** Transitions of all actors together that are remembered in case somebody looks, by their names alone: a hundred bytes each. */
export const TRANSITIONS_REMEMBERED_MAX = 4_096

/** Transitions of one watched actor that are kept whole, with messages and contexts, for stepping back. */
export const TRANSITIONS_KEPT_MAX = 200
export const TRANSITIONS_KEPT_BYTES_MAX = 1024 * 1024

/** Transitions that wait for one follower; one that is further behind is shown anew where the actor stands. */
export const TRANSITIONS_WAITING_MAX = 256

/** Between two contexts of a busy actor: a page is told of every transition, and ten times a second of what the actor holds. */
export const CONTEXT_EVERY_MS = 100
