// The words of the session's model: what it holds, and what people, history and disk get of each thing that happens. Pure.

export type SessionEvent =
  | { readonly type: 'message' }
  /** With a photo. */
  | { readonly type: 'photo' }
  /** Most of a second later, the next photo of one album. */
  | { readonly type: 'part' }
  | { readonly type: 'says'; readonly command: Command }
  /** The client of a message is gone. */
  | { readonly type: 'leaves'; readonly message: 'm1' | 'm2' }
  | { readonly type: 'slot' }
  | { readonly type: 'disk' }
  | { readonly type: 'diskFails' }
  /** The message that waits has broken six activations before this one. */
  | { readonly type: 'wears' }
  | { readonly type: 'answers' }
  | { readonly type: 'fails' }
  | { readonly type: 'breaks' }
  | { readonly type: 'time' }
  | { readonly type: 'drain' }
  | { readonly type: 'halt' }
  /** From now on two turns may wait, and a message interrupts. */
  | { readonly type: 'redefines' }
  /** `/steer` with a text. */
  | { readonly type: 'steer' }
  /** The model asks for a tool: one that people are asked about, or one that they are not. */
  | { readonly type: 'asks'; readonly tool: 'write' | 'look' }
  | { readonly type: 'toolEnds' }
  /** `/approve` or `/deny`: what waits, or something that does not. */
  | { readonly type: 'decides'; readonly word: 'approve' | 'deny' | 'approve 9-9' }

export type Command = 'help' | 'stop' | 'new' | 'undo' | 'retry' | 'compact'

/** A turn of the history, as role and text; or what is done to the history. */
type Entry = readonly string[] | 'reset' | 'undo' | 'summary'

type History = readonly (readonly string[])[]

/** Something that the store was asked for and has not done yet. */
export interface Asked {
  readonly name: 'begin' | 'commit' | 'commitUndo' | 'release'
  /** The session or its run waits for it; it goes beside their way; or nobody minds any more how it ends. */
  readonly as: 'way' | 'run' | 'beside' | 'left'
  readonly says: readonly string[]
  readonly adds: readonly Entry[]
}

export type Doing =
  | 'thinking'
  | 'recording a question'
  | 'recording a call'
  | 'waiting for a word'
  | 'recording a word'
  | 'beginning'
  | 'calling'
  | 'recording a result'
  | 'recording what was said'

export interface Seen {
  readonly at:
    | 'idle'
    | 'gathering'
    | 'waiting'
    | 'preparing'
    | 'working'
    | 'committing'
    | 'writingAgain'
    | 'draining'
    | 'failed'
  /** `queue_limit` and `busy_mode`. */
  readonly limit: 1 | 2
  readonly mode: 'queue' | 'interrupt'
  /** Messages so far, commands not counted. */
  readonly heard: number
  readonly inbox: readonly string[]
  readonly turn: readonly string[]
  /** What its run was given on the way. */
  readonly given: readonly string[]
  /** What its run is at, and what it did before. */
  readonly doing: Doing
  readonly steps: readonly string[]
  readonly line: readonly Asked[]
  /** Turns since the last `/new`; a summary is one. */
  readonly history: History
  /** The last state that a page was shown. */
  readonly shown: 'idle' | 'pending' | 'running'
  /** Photos after the first that the gathering has seen. */
  readonly parts: number
  readonly worn: boolean
  readonly outcome: string
  readonly failures: number
  readonly draining: boolean
  /** What people were told, and how messages ended, by the last event. */
  readonly said: readonly string[]
}

/** What the test's model answers. */
export const YES = 'yes'

export const BEGINNING: Seen = {
  at: 'idle',
  limit: 1,
  mode: 'queue',
  heard: 0,
  inbox: [],
  turn: [],
  given: [],
  doing: 'thinking',
  steps: [],
  line: [],
  history: [],
  shown: 'idle',
  parts: 0,
  worn: false,
  outcome: '',
  failures: 0,
  draining: false,
  said: [],
}

// --- the inbox ---

export function kept(seen: Seen, event: SessionEvent): Seen {
  if (event.type === 'says') return { ...seen, inbox: [...seen.inbox, event.command] }
  const heard = seen.heard + 1
  return { ...seen, heard, inbox: [...seen.inbox, `${event.type === 'part' ? 'part' : 'm'}${heard}`] }
}

export function isFull({ inbox, limit }: Seen): boolean {
  return turnsIn(inbox) >= limit
}

export function isPart(label: string): boolean {
  return label.startsWith('part')
}

/** Photos of one album count once. */
function turnsIn(inbox: readonly string[]): number {
  return inbox.filter((label) => !isPart(label)).length + Number(inbox.some(isPart))
}

/** The next turn is the first message, or the whole album; it is prepared from now on. */
export function taken(seen: Seen): Seen {
  const [first = ''] = seen.inbox
  const belongs = (label: string): boolean => (isPart(first) ? isPart(label) : label === first)
  const turn = isPart(first) ? seen.inbox.filter(belongs) : [first]
  const inbox = isPart(first) ? seen.inbox.filter((label) => !belongs(label)) : seen.inbox.slice(1)
  return asking({ ...seen, turn, inbox }, { name: 'begin', as: 'way' })
}

// --- what the disk is asked for ---

export function answered(seen: Seen, text: string): Seen {
  return asking(seen, { says: [text, 'answered +1'] })
}

export function undoing(seen: Seen): Seen {
  return asking(seen, { name: 'commitUndo', says: ['answered +1'], adds: ['undo'] })
}

export function refusal(seen: Seen): Seen {
  const waits = turnsIn(seen.inbox)
  return asking({ ...seen, heard: seen.heard + 1 }, { says: [`not kept: ${waits} wait`, 'dead +1'] })
}

export function stopped(seen: Seen, turn: readonly string[]): Seen {
  const all = [...turn, ...(turn.length > 0 ? seen.given : []), ...seen.inbox]
  return asking(seen, {
    says: [`stopped: ${turnsIn(seen.inbox)} discarded`, 'answered +1', ...discarded(all)],
    adds: cancelled(seen, turn),
  })
}

export function startedOver(seen: Seen, turn: readonly string[]): Seen {
  return asking(seen, {
    says: [`started over: ${turnsIn(seen.inbox)} discarded`, 'answered +1', ...discarded([...turn, ...seen.inbox])],
    adds: [...cancelled(seen, turn), 'reset'],
  })
}

/** A message that waits is taken out of what waits. */
export function takenOut(seen: Seen, label: string): Seen {
  const inbox = seen.inbox.filter((each) => each !== label)
  return asking({ ...seen, inbox }, { says: discarded([label]) })
}

export function interrupted(seen: Seen): Seen {
  return asking(seen, { says: discarded(seen.turn), adds: cancelled(seen, seen.turn) })
}

/** The commit that ends a turn. */
export function ended(seen: Seen, outcome: string): Seen {
  const { turn } = seen
  const way = { as: 'way' } as const
  const after = { ...seen, outcome }
  if (outcome === 'gave up') return asking(after, { ...way, says: [outcome, `dead +${turn.length}`] })
  const answers = `answered +${turn.length + seen.given.length}`
  if (turn[0] === 'compact') {
    const summary = outcome === 'answer'
    return asking(after, {
      ...way,
      says: [summary ? 'summarised' : outcome, answers],
      adds: summary ? ['summary'] : [],
    })
  }
  const asked = askedIn(seen, turn)
  const entry = [...asked, outcome === 'answer' ? `assistant ${YES}` : outcome]
  const again = turn[0] === 'retry' && outcome === 'answer' ? (['undo'] as const) : []
  return asking(after, { ...way, says: [outcome, answers], adds: asked.length === 0 ? [] : [...again, entry] })
}

/** What the session waited for is not waited for any more. */
export function left(seen: Seen): Seen {
  return { ...seen, line: seen.line.map((asked) => (asked.as === 'beside' ? asked : { ...asked, as: 'left' })) }
}

/** The disk did what it was asked for first. */
export function done(seen: Seen): Seen {
  const [first, ...line] = seen.line
  if (first === undefined) return seen
  const undone = first.name === 'commitUndo' ? [seen.history.length > 0 ? 'undone' : 'nothing to undo'] : []
  return { ...seen, line, said: [...undone, ...first.says], history: first.adds.reduce(added, seen.history) }
}

export function asking(seen: Seen, asked: Partial<Asked>): Seen {
  return { ...seen, line: [...seen.line, { name: 'commit', as: 'beside', says: [], adds: [], ...asked }] }
}

function discarded(labels: readonly string[]): string[] {
  return labels.length === 0 ? [] : [`discarded +${labels.length}`]
}

// --- the history ---

/** What a turn asks, as the history will have it; the photos of an album are one text. */
function askedIn({ at, history, given }: Seen, turn: readonly string[]): string[] {
  const [first = ''] = turn
  if (first === 'compact') return []
  // What is to be asked again is known once the turn is prepared.
  if (first === 'retry') return at === 'preparing' ? [] : lastAsked(history)
  return turn.length === 0 ? [] : [`user ${turn.join('\n')}`, ...given.map((label) => `user ${label}`)]
}

/** What `/retry` asks again: empty when there is nothing. */
export function lastAsked(history: History): string[] {
  return (history.at(-1) ?? []).filter((entry) => entry.startsWith('user'))
}

/** What is left of a history once it was summarised. */
export function visible(history: History): History {
  const summary = history.findLastIndex(([entry]) => entry === SUMMARY)
  return history.slice(Math.max(0, summary))
}

const SUMMARY = `summary ${YES}`

/** A turn that was ended leaves what was asked, and that no answer was given. */
function cancelled(seen: Seen, turn: readonly string[]): Entry[] {
  const asked = askedIn(seen, turn)
  return asked.length === 0 ? [] : [[...asked, 'partial ']]
}

function added(history: History, entry: Entry): History {
  if (entry === 'reset') return []
  if (entry === 'undo') return history.slice(0, -1)
  return [...history, entry === 'summary' ? [SUMMARY] : entry]
}
