// Channel actor: the channel's machine with its effects: the connection, the door, recovery.
// Owns the adapter of its channel: built here from the definition at the first connection, never copied, and built anew for a
// definition that needs another connection.
//   M5. The platform is told only after the durable accept: the door resolves when the message is on disk.

import { fromCallback, fromPromise } from 'xstate'
import { isMcp } from '../../machines/addresses.ts'
import { admit, isAllowed } from '../../machines/admission.ts'
import { channelMachine } from '../../machines/channel.ts'
import { isSpoken } from '../../machines/commands.ts'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { FailureError, failureOf, inPhase, thrownIn } from '../../machines/failure.ts'
import { RECOVERY_BATCH } from '../../machines/limits.ts'
import { resumedFirst } from '../../machines/inbox.ts'
import type { AcceptedMessage, ConnectionEvent, Inbound } from '../../machines/messages.ts'
import { isOfFile } from '../../machines/openai.ts'
import type { Phase } from '../../machines/phases.ts'
import { isSameConnection } from '../../machines/redefinition.ts'
import { sessionKey } from '../../machines/session-key.ts'
import type { Adapter, Door, Reception, TurnedAway } from '../channels/adapter.ts'
import { endingItsChildren } from './ending.ts'
import { answerNothing, mcpActor } from './mcp.ts'
import { observed } from './observed.ts'
import { type Parts, tellGateway } from './parts.ts'
import { partitionActor, withAgent } from './partition.ts'
import { lookAtConnections } from './restarts.ts'

export function channelActor(parts: Parts) {
  const machine = channelMachine.provide({
    actors: {
      partition: partitionActor(parts),
      mcp: mcpActor(parts),
      recover: fromPromise(({ input, system }) => recover(parts, input.channel, system)),
      connection: fromCallback(({ input, sendBack, receive, system }) => {
        const controller = new AbortController()
        const { definition } = input
        const connecting: Connecting = { definition, phase: 'construct', signal: controller.signal, sendBack, system }
        receive((event) => {
          if (event.type === 'close') controller.abort()
          else connecting.definition = event.definition
        })
        connect(parts, connecting)
        return () => controller.abort()
      }),
      trial: fromPromise(({ input, signal }) => tryOut(parts, input.definition, signal)),
    },
    actions: {
      noteFailure: ({ context }, { actor, error }) => {
        const [what, then] = isMcp(actor)
          ? ['the actor of an MCP server', 'the next who asks starts another']
          : ['a partition', 'its sessions come back from the store']
        parts.log.error({ actor, err: error }, `${what} failed; ${then}`)
        if (isMcp(actor)) answerNothing(parts, context.definition.id, actor)
      },
      noteUnread: (_, { channel, error }) => {
        parts.log.warn({ channel, err: error }, 'what is unfinished could not be read; it is read again')
      },
      wakeOwed: ({ system }, { channel }) => {
        wakeOwed(parts, channel, system).catch((error: unknown) => {
          parts.log.warn({ channel, err: error }, 'what is owed could not be read; the next reply wakes it')
        })
      },
    },
  })
  return endingItsChildren(observed(machine, lookAtConnections(parts.observe), parts.log))
}

interface Connecting {
  /** Also while it lives: whoever speaks is admitted by what is served at that moment. */
  definition: ChannelDefinition
  /** How far its start is; null: it was live. */
  phase: Phase | null
  readonly signal: AbortSignal
  readonly sendBack: (event: ConnectionEvent) => void
  readonly system: unknown
}

function connect(parts: Parts, connecting: Connecting): void {
  const { definition, sendBack } = connecting
  const log = parts.log.child({ channel: definition.id })
  run(parts, connecting).then(
    () => sendBack({ type: 'connection.ended', failure: null }),
    (error: unknown) => {
      const { phase } = connecting
      const failure = phase === null ? failureOf(error) : inPhase(failureOf(error), phase)
      const about = { reason: failure.reason, ...(phase === null ? {} : { phase: failure.phase ?? phase }) }
      if (failure.kind === 'defect') log.error({ ...about, err: error }, 'the connection failed by a defect')
      else log.warn(about, `the connection ended: ${failure.message}`)
      sendBack({ type: 'connection.ended', failure })
    },
  )
}

async function run(parts: Parts, connecting: Connecting): Promise<void> {
  const { definition, signal, sendBack, system } = connecting
  const adapter = await adapterFor(parts, definition)
  connecting.phase = 'connect'
  let handle: string | null = null
  const door: Door = {
    live: (identity) => {
      handle = identity.name
      connecting.phase = null
      // The gateway's own channel is in no report.
      const level = isOfFile(definition.id) ? 'info' : 'debug'
      parts.log[level]({ channel: definition.id, as: identity.name }, 'the channel is live')
      sendBack({ type: 'connection.live' })
    },
    receive: (message) => receive(parts, { message, definition: connecting.definition, handle, system }),
  }
  const release = await parts.tokens.hold(definition, signal)
  try {
    if (!signal.aborted) await adapter.run(door, signal)
  } finally {
    release()
  }
}

/** What each adapter was built from. */
const builtFrom = new WeakMap<Adapter, ChannelDefinition>()

/** The one that there is, unless it was built for another connection. */
async function adapterFor(parts: Parts, definition: ChannelDefinition): Promise<Adapter> {
  const known = parts.adapters.get(definition.id)
  const before = known === undefined ? undefined : builtFrom.get(known)
  if (known !== undefined && before !== undefined && isSameConnection(before, definition)) return known
  const adapter = await construct(parts, definition)
  builtFrom.set(adapter, definition)
  parts.adapters.set(definition.id, adapter)
  return adapter
}

/** C2. Asks who a definition's credential is, and takes no message: the earlier connection lives on. */
async function tryOut(parts: Parts, definition: ChannelDefinition, signal: AbortSignal): Promise<void> {
  try {
    parts.tokens.claim(definition)
    const adapter = await construct(parts, definition)
    await adapter.probe(signal)
  } catch (error) {
    throw thrownIn('connect', error)
  }
}

async function construct(parts: Parts, definition: ChannelDefinition): Promise<Adapter> {
  const platform = parts.platforms[definition.platform]
  if (platform === undefined) throw new FailureError(unknownPlatform(definition.platform))
  const create = await platform.load().catch((error: unknown) => {
    throw thrownIn('construct', error)
  })
  const { store, uploads, world, secret } = parts
  return create({
    definition,
    secret,
    uploads,
    world,
    log: parts.log.child({ channel: definition.id }),
    journal: {
      append: (entry) => store.appendJournal({ channel: definition.id, ...entry }),
      after: (conversation, id, limit) => store.journalAfter({ channel: definition.id, conversation }, id, limit),
    },
  })
}

interface Receiving {
  readonly message: Inbound
  readonly definition: ChannelDefinition
  readonly handle: string | null
  readonly system: unknown
}

/** Admission, then one durable write, then the way to the session. */
async function receive(parts: Parts, { message, definition, handle, system }: Receiving): Promise<Reception> {
  const { store } = parts
  const mayBePaired = definition.unknownUserPolicy === 'pair' && !isAllowed(message.sender, definition)
  const paired = mayBePaired && (await store.isPaired(definition.id, message.sender.id))
  const admission = admit(message, { definition, handle, paired })
  if (!admission.admitted) {
    if (admission.reason === 'stranger' && mayBePaired) await offerPairing(parts, message, system)
    return turnAway(parts, message, admission.reason)
  }
  const { agent, command } = admission
  const key = sessionKey(definition, message)
  // What was said before goes to the disk alone: the turn reads it there.
  const { earlier, brief, ...said } = message
  const accepted = { ...said, sessionKey: key, agent, command, acceptedAtMs: parts.world.nowMs() }
  const journaled = parts.platforms[definition.platform]?.journaled ?? false
  const before = isSpoken(command) ? { ...(earlier && { earlier }), ...(brief && { brief }) } : {}
  const { seq, duplicate, taken } = await accept(parts, { ...accepted, ...before, journaled })
  if (taken === true) return turnAway(parts, message, 'taken')
  if (!duplicate) tellGateway(system, { type: 'message.accepted', message: { ...accepted, seq } })
  return { accepted: true, duplicate, seq }
}

function turnAway({ log, observe }: Parts, { channel, sender }: Inbound, reason: TurnedAway): Reception {
  log.info({ channel, user: sender.id }, `a message was turned away: ${reason}`)
  observe.note({ kind: 'refused', channel, reason })
  return { accepted: false, reason }
}

async function accept({ store, observe }: Parts, message: Parameters<Parts['store']['accept']>[0]) {
  const end = observe.begin({ kind: 'accept', channel: message.channel, session: message.sessionKey })
  try {
    const accepted = await store.accept(message)
    end(accepted.duplicate ? 'duplicate' : 'done')
    return accepted
  } catch (error) {
    end('failed')
    throw error
  }
}

async function offerPairing(parts: Parts, message: Inbound, system: unknown): Promise<void> {
  if (message.kind !== 'dm') return
  const { channel, conversation, sender } = message
  const code = await parts.store.pairingCode(channel, { id: sender.id, name: sender.name })
  const text = `I do not know you yet. Your pairing code is ${code}. Whoever runs this bot can let you in with it.`
  await parts.store.commit({
    channel,
    sessionKey: null,
    settled: [],
    entries: [],
    replies: [{ conversation, text, replyTo: null }],
  })
  tellGateway(system, { type: 'outbox.owed', channel, conversation })
}

/** Everything of this channel that an earlier process accepted or owed and did not finish. */
async function recover(parts: Parts, channel: string, system: unknown): Promise<void> {
  const begun = new Set<string>()
  let after = 0
  let count = 0
  for (;;) {
    const read = await parts.store.unfinished(channel, after, RECOVERY_BATCH)
    const mayBeMore = read.length === RECOVERY_BATCH
    const fresh = [...Map.groupBy(read, ({ sessionKey }) => sessionKey)].filter(([session]) => !begun.has(session))
    // Each begins with everything that waits for it: what its turn was made for may lie beyond this read. All are asked at once, for
    // one look at the disk.
    const whole = fresh.map(async ([session, some]) => (mayBeMore ? parts.store.unfinishedOf(session) : some))
    for (const messages of await Promise.all(whole)) {
      count += messages.length
      takeUp(parts, messages, system)
    }
    for (const [session] of fresh) begun.add(session)
    after = read.at(-1)?.seq ?? after
    if (!mayBeMore) break
  }
  if (count > 0) parts.log.info({ channel, messages: count }, 'unfinished messages were taken up')
  await wakeOwed(parts, channel, system)
}

/** What one session had not finished. */
function takeUp(parts: Parts, messages: readonly AcceptedMessage[], system: unknown): void {
  const [first] = messages
  if (first === undefined) return
  const mode = parts.definition.channels[first.channel]?.busyMode ?? 'queue'
  for (const message of resumedFirst(messages, mode)) {
    tellGateway(system, { type: 'message.accepted', message: { ...withAgent(parts, message), again: 'restart' } })
  }
}

async function wakeOwed(parts: Parts, channel: string, system: unknown): Promise<void> {
  for (const conversation of await parts.store.owed(channel)) {
    tellGateway(system, { type: 'outbox.owed', channel, conversation })
  }
}

function unknownPlatform(name: string) {
  return {
    kind: 'permanent',
    reason: 'missing',
    message: `there is no platform "${name}"`,
    phase: 'construct',
  } as const
}
