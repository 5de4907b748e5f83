// Limits: every bound of the runtime, with its unit and its reason.
//   M2. Every queue has a bound.
// A bound that an operator sets is in definitions.ts.

/** A parent copies its whole `children` object at each spawn and stop: 21 µs with 64, 77 µs with 256, 6 ms with 10,000 (measured on xstate 5.33.3). */
export const PARTITION_CHILDREN_MAX = 64

/** A message that breaks its session or the process this often is a dead letter: once can be chance, three times is the message. */
export const MESSAGE_TRIES_MAX = 3

/**
 * A process that ends takes every running message down, and only one of them, if any, is to blame. While messages of other
 * sessions were tried as often, or once less, a message is tried on, up to this: who is to blame stands out by then.
 */
export const MESSAGE_TRIES_IN_COMPANY_MAX = 6

/** History loading, hooks and media are done by then, or the turn fails and its sender is told (S7). */
export const PENDING_MS_MAX = 60_000

/** The default of `run_timeout`: long enough for a slow local model, short enough that a slot comes back. Typing is shown as long. */
export const RUN_MS_MAX = 10 * 60_000

/** Parts of an album arrive within about a second of each other. */
export const GATHER_QUIET_MS = 1_000

/** An album or a split text is complete by then, whatever keeps arriving. */
export const GATHER_MS_MAX = 5_000

/** One send to the platform; after it the outcome is uncertain. */
export const SEND_MS_MAX = 60_000

/** A channel's first try has ended by then, so that the roll call is bounded. */
export const CONNECT_MS_MAX = 10_000

/** First wait before a retry; doubles up to BACKOFF_MS_MAX. */
export const BACKOFF_MS_MIN = 1_000

export const BACKOFF_MS_MAX = 60_000

/** Sends of one reply that may fail in a way that a retry can mend; with the backoff about six hours. */
export const SEND_TRIES_MAX = 360

/** A connection that stayed up this long has earned a fresh backoff. */
export const STABLE_MS = 60_000

/** Restarts of one session in a row before its messages are given up. */
export const SESSION_RESTARTS_MAX = 10

/** Sweeps of a resting session before it leaves memory: it rests between one and 1.25 times `passivate_after`. */
export const SWEEPS_BEFORE_PASSIVATION = 4

/** Between two partitions of a sweep the event loop serves messages. */
export const SWEEP_STEP_MS = 1

/** Longest text of one inbound message, in UTF-16 units; sixteen of Telegram's longest, joined. */
export const TEXT_UNITS_MAX = 65_536

/** What a tool tells the model, in UTF-16 units: some 16,000 tokens, so that a few of them fit any model's context. */
export const RESULT_UNITS_MAX = 65_536

/** The same of an earlier turn: enough to know what was done. */
export const PAST_RESULT_UNITS_MAX = 2_000

/** History given to a model, in entries; the full transcript stays in the store. */
export const HISTORY_ENTRIES_MAX = 400

/** A conversation that was asked once is in the list this long after its answer: long enough to look into what went wrong. */
export const ONE_OFF_KEEP_MS = 60 * 60_000

/** Unfinished messages that a start reads at once; more follow in the next read. */
export const RECOVERY_BATCH = 500

/** A connection that was told to close has ended by then; a long poll that is aborted ends at once. */
export const CLOSE_MS_MAX = 15_000

/** What the outbox gets at shutdown after the last run: exit is never later than `drain` + 3 s. */
export const FLUSH_MS_MAX = 1_500

/** An MCP server answers by then, or is ended: most take under a second, one that is downloaded first takes many. */
export const MCP_START_MS_MAX = 30_000

/** Between giving an MCP server up and trying it again. */
export const MCP_REST_MS = 10 * 60_000

/** MCP servers that are tried at once beside a start: each may be a process that takes a core for a second. */
export const MCP_TRIALS_AT_ONCE = 4

/** The trials begin with the roll call, and by then when one channel keeps everybody waiting for it. */
export const MCP_TRIALS_AFTER_MS = 3_000

/** Askings that wait for one MCP server or are with it: a run makes a few at once, and there are `concurrent_runs` of them. */
export const MCP_ASKS_MAX = 256

/** Files of one turn that are fetched: two albums of the longest. More are named to whoever sent them, and not read. */
export const FILES_MAX = 20

/** Of one file: the most that Telegram lets a bot fetch. */
export const FILE_BYTES_MAX = 20_000_000

/** Of one file that a model is shown: as base64 it is 5 MB, the least that providers take. */
export const SHOWN_FILE_BYTES_MAX = 3_750_000

/** Of all files in one request: with base64 and 64 runs at once some 1.3 GB, and half of the least that providers take. */
export const SHOWN_BYTES_MAX = 15_000_000

/** About what providers count for a picture of the size that they make of it. */
export const SHOWN_FILE_TOKENS = 1_600

/** Turns after one with pictures in which they are shown again: people ask on about what they sent, and each answer pays for it. */
export const SHOWN_AGAIN_TURNS = 3

/** Text read out of the files of one turn, in UTF-16 units: as the longest text that somebody can write. */
export const READ_UNITS_MAX = 65_536

/** As much of a file as is looked at for its text: pages have many tags around it. */
export const READ_BYTES_MAX = 1_000_000

/** Speech that a server makes text of within MEDIA_MS_MAX. */
export const SPEECH_SECONDS_MAX = 20 * 60

/** What was written with a picture, as far as whoever describes it is told, in UTF-16 units: as long as a message of Telegram. */
export const WORDS_UNITS_MAX = 4_096

/** Files are fetched and read by then, or their sender is told; what is left of PENDING_MS_MAX is for the rest. */
export const MEDIA_MS_MAX = 45_000

/** Of the name of a file, in characters. */
export const NAME_UNITS_MAX = 64

/** Files that people sent to one session, together; the oldest make room for newer ones. */
export const RECEIVED_BYTES_MAX = 200_000_000

/** Files that come with one message, together: more than RECEIVED_BYTES_MAX would make room for one another. */
export const UPLOAD_BYTES_MAX = 200_000_000

/** Files that came with messages and wait for their turns, of all sessions; who is over it is told to come again. */
export const UPLOADS_BYTES_MAX = 4_000_000_000

/** The default of a hook's `timeout`: a person waits for it. */
export const HOOK_MS_USUAL = 10_000

/** The longest `timeout` of a hook, and of all that are asked before one run: well within PENDING_MS_MAX. */
export const HOOK_MS_MAX = 45_000

/** Hooks have answered by then, counted from the begin of the preparation, whatever came before them: its own deadline would end the turn. */
export const PREPARED_MS_MAX = PENDING_MS_MAX - 5_000

/** Hooks that run at once; each may be a process. Who is over it waits, and its time runs. */
export const HOOKS_AT_ONCE_MAX = 16

/** Hooks that wait for their turn and are waited for by nobody; what is over it is not told, and said in the log. */
export const HOOKS_WAITING_MAX = 1_000

/** What a hook may write: the longest text, each character escaped. */
export const HOOK_OUTPUT_BYTES_MAX = 512 * 1024

/** A schedule looks at the clock this often, however far away its time is: a clock that was set is noticed by then. */
export const SCHEDULE_SLEEP_MS_MAX = 60_000

/** A time that was missed longer ago is not made up for: whoever waited for it has gone on without. */
export const SCHEDULE_MISSED_MS_MAX = 24 * 3_600_000

/** Each is an actor that looks at the clock once a minute. */
export const SCHEDULES_MAX = 1_000
