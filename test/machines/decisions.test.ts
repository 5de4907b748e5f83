// The pure decisions: inbox, placement, admission, commands, restart, turns, commits. Tables and properties.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { admit } from '../../machines/admission.ts'
import { promptOf } from '../../machines/approval.ts'
import { commandText } from '../../machines/answers.ts'
import { type Speaker, turnCommit } from '../../machines/commits.ts'
import { COMMANDS, parseCommand } from '../../machines/commands.ts'
import type { BusyMode, ChannelDefinition, GroupPolicy } from '../../machines/definitions.ts'
import { type Inbox, type InboxItem, offer, takeTurn, turnsWaiting, turnTexts } from '../../machines/inbox.ts'
import { PARTITION_CHILDREN_MAX } from '../../machines/limits.ts'
import type { AcceptedMessage } from '../../machines/messages.ts'
import { Placement } from '../../machines/placement.ts'
import { backoffMs, nextRestart } from '../../machines/restart.ts'
import { turnAgent } from '../../machines/session-context.ts'
import { isOfChannel, sessionKey } from '../../machines/session-key.ts'
import { isTurnOf, turnIdOf } from '../../machines/steps.ts'
import { testChannel } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'

function item(text: string, given: Partial<AcceptedMessage> = {}, manner: BusyMode = 'queue'): InboxItem {
  return { message: acceptedMessage(text, given), text, manner, task: 'answer' }
}

describe('inbox', () => {
  const anything = fc.record({
    manner: fc.constantFrom<BusyMode>('queue', 'collect', 'interrupt', 'steer'),
    album: fc.constantFrom(null, 'x', 'y'),
    sender: fc.constantFrom('1', '2'),
    continues: fc.boolean(),
  })

  test('S2: an inbox never exceeds its limit, and what it kept is taken exactly once, in turns', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 40 }), fc.integer({ min: 1, max: 8 }), (offers, limit) => {
        const kept: number[] = []
        let inbox: Inbox = []
        offers.forEach(({ manner, album, sender, continues }, seq) => {
          const given = {
            seq,
            album,
            continues,
            sender: { id: sender, name: null, handle: null },
            acceptedAtMs: seq * 500,
          }
          const answer = offer(inbox, item(`t${seq}`, given, manner), { limit, claimed: false })
          if (answer.verdict !== 'kept') return
          inbox = answer.inbox
          kept.push(seq)
          expect(turnsWaiting(inbox)).toBeLessThanOrEqual(limit)
        })
        const taken: number[] = []
        while (inbox.length > 0) {
          const next = takeTurn(inbox)
          expect(next.turn.length).toBeGreaterThan(0)
          taken.push(...next.turn.map(({ message }) => message.seq))
          inbox = next.inbox
        }
        expect(taken.sort((a, b) => a - b)).toEqual(kept)
      }),
    )
  })

  test('S25: two people’s messages are never one text', () => {
    const long = item('a'.repeat(4_096), { seq: 1, continues: true })
    const other = item('b', { seq: 2, sender: { id: '2', name: 'Bo', handle: null } })
    expect(turnTexts(takeTurn([long, other]).turn).map(({ text }) => text)).toEqual(['a'.repeat(4_096)])
  })

  test('S24: a text that the client split is one text again', () => {
    const parts = [item('one ', { seq: 1, continues: true }), item('two', { seq: 2, acceptedAtMs: 900 })]
    expect(turnTexts(takeTurn(parts).turn).map(({ text }) => text)).toEqual(['one two'])
  })

  test('S23: steering goes ahead of what waits, in its own order', () => {
    let inbox: Inbox = []
    for (const [seq, manner] of (['queue', 'steer', 'steer'] as const).entries()) {
      const answer = offer(inbox, item(`t${seq}`, { seq }, manner), { limit: 8, claimed: false })
      if (answer.verdict === 'kept') inbox = answer.inbox
    }
    expect(inbox.map(({ text }) => text)).toEqual(['t1', 't2', 't0'])
  })
})

describe('placement', () => {
  test('a partition never holds more than its bound, and places come back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 600 }), (children) => {
        const placement = new Placement()
        const last = new Map<string, number>()
        for (const child of children) {
          const { routed } = placement.route(`session:${child}`)
          last.set(`session:${child}`, routed)
          if (child % 3 === 0) placement.free(`session:${child}`, routed)
        }
        const { children: count, partitions } = placement.toJSON()
        expect(partitions).toBeGreaterThanOrEqual(Math.ceil(count / PARTITION_CHILDREN_MAX))
        for (const [child, routed] of last) placement.free(child, routed)
        for (const partition of placement.partitions) placement.takeIfEmpty(partition)
        expect(placement.toJSON()).toEqual({ children: 0, partitions: 0 })
      }),
    )
  })

  test('a child that was sent more meanwhile is not forgotten', () => {
    const placement = new Placement()
    const first = placement.route('session:x')
    placement.route('session:x')
    placement.free('session:x', first.routed)
    expect(placement.toJSON().children).toBe(1)
  })

  test('a partition that failed gives up everybody in it', () => {
    const placement = new Placement()
    const { partition } = placement.route('session:x')
    placement.route('delivery:y')
    expect(placement.drop(partition)).toEqual(['session:x', 'delivery:y'])
    expect(placement.route('session:x').opened).toBe(true)
  })
})

describe('admission', () => {
  const group = (policy: GroupPolicy, given: Partial<AcceptedMessage>) =>
    admit(acceptedMessage('', { kind: 'group', addressed: false, ...given }), {
      definition: testChannel('a', { groupPolicy: policy }),
      handle: '@bot',
      paired: false,
    }).admitted

  test.each([
    ['mention_only', { text: 'hi' }, false],
    ['mention_only', { text: 'hi', addressed: true }, true],
    ['mention_only', { text: '/help' }, true],
    ['respond_all', { text: 'hi' }, true],
    ['command_only', { text: 'hi', addressed: true }, false],
    ['command_only', { text: '/help@bot' }, true],
    ['respond_all', { text: '/help@other_bot' }, false],
  ] as const)('in a group with %s, %o is let in: %s', (policy, given, expected) => {
    expect(group(policy, given)).toBe(expected)
  })

  const policy = (given: Partial<ChannelDefinition>, paired = false) =>
    admit(acceptedMessage('hi'), { definition: testChannel('a', given), handle: null, paired }).admitted

  test('a stranger is let in by name, by number, by a pairing or by policy, and by nothing else', () => {
    expect(policy({ unknownUserPolicy: 'deny' })).toBe(false)
    expect(policy({ unknownUserPolicy: 'deny', allowedUsers: ['1'] })).toBe(true)
    expect(policy({ unknownUserPolicy: 'deny', allowedUsers: ['@anna'] })).toBe(true)
    expect(policy({ unknownUserPolicy: 'pair' })).toBe(false)
    expect(policy({ unknownUserPolicy: 'pair' }, true)).toBe(true)
    expect(policy({ unknownUserPolicy: 'deny' }, true)).toBe(false)
    expect(policy({ unknownUserPolicy: 'allow' })).toBe(true)
  })
})

describe('approval', () => {
  const shown = (command: string): string => {
    const approval = { call: '1', name: '1-1', tool: 'shell', input: { command }, approvers: [] }
    return /"command": "(.*)"/.exec(promptOf('cfo', approval, 300_000).text)?.[1] ?? ''
  }

  test.each([
    ['rm \u202egnp.exe', String.raw`rm \u202egnp.exe`],
    ['a\u200bb\u2066c\u0085d\u2028e', String.raw`a\u200bb\u2066c\u0085d\u2028e`],
    ['x\u{e0072}\u{e006d}', String.raw`x\udb40\udc72\udb40\udc6d`],
    ['y\u200d', String.raw`y\u200d`],
  ])('S39: %j is asked about with every sign that a screen hides or turns round', (command, written) => {
    expect(shown(command)).toBe(written)
  })

  test('S39: nothing within a call ends the fence around it', () => {
    const input = { command: 'x\n```\nNothing will be done.\n```' }
    const { text } = promptOf('cfo', { call: '1', name: '1-1', tool: 'shell', input, approvers: [] }, 300_000)
    const [before, within, after] = text.split('````')
    expect([before?.includes('Nothing'), within?.includes('Nothing'), after]).toEqual([
      false,
      true,
      '\n/approve 1-1 or /deny 1-1; without an answer in 5 minutes it is not done.',
    ])
  })

  test('S39: what a screen shows is asked about as it is', () => {
    const text = 'échapper à l’été\u00a0: 漢字\u3000👩\u200d💻 ❤\ufe0f مرحبا'
    expect(shown(text)).toBe(text)
  })
})

describe('commands', () => {
  test.each([
    ['/help', { ours: { name: 'help', text: '' } }],
    ['/Queue  and this ', { ours: { name: 'queue', text: 'and this' } }],
    ['/stop@Bot', { ours: { name: 'stop', text: '' } }],
    ['/stop@other', 'theirs'],
    ['/stop!!', { ours: { name: 'stop', text: '' } }],
    ['/queue@bot: and in euros?', { ours: { name: 'queue', text: 'and in euros?' } }],
    ['/notes.txt is empty', null],
    ['/etc/hosts is broken', null],
    ['help', null],
    ['a /help', null],
  ])('%s', (text, expected) => expect(parseCommand(text, '@bot')).toEqual(expected))

  test('/help lists every command', () => {
    const help = commandText(speaker, acceptedMessage('/help', { command: { name: 'help', text: '' } }), 'idle') ?? ''
    for (const name of Object.keys(COMMANDS)) expect(help).toContain(`/${name} `)
  })
})

describe('restart', () => {
  test('the wait doubles, is bounded, and obeys a longer hint', () => {
    expect([1, 2, 3, 7, 100].map((failures) => backoffMs(failures))).toEqual([1_000, 2_000, 4_000, 60_000, 60_000])
    expect(backoffMs(1, 90_000)).toBe(90_000)
    expect(nextRestart(10)).toEqual({ restartAfterMs: 60_000 })
    expect(nextRestart(11)).toBe('giveUp')
  })
})

describe('session key', () => {
  test('S7: two channels, two conversations, two people never share one', () => {
    const text = fc.string({ minLength: 1, maxLength: 8 })
    const scope = fc.constantFrom('per_chat' as const, 'per_user' as const)
    fc.assert(
      fc.property(fc.tuple(text, text, text), fc.tuple(text, text, text), scope, (first, second, sessionScope) => {
        const key = ([channel, conversation, id]: [string, string, string]): string =>
          sessionKey(
            testChannel(channel, { sessionScope }),
            acceptedMessage('', { channel, conversation, sender: { id, name: null, handle: null } }),
          )
        const parts = sessionScope === 'per_user' ? 3 : 2
        const same = JSON.stringify(first.slice(0, parts)) === JSON.stringify(second.slice(0, parts))
        expect(key(first) === key(second)).toBe(same)
        expect(isOfChannel(key(first), first[0])).toBe(true)
      }),
    )
  })
})

describe('turns', () => {
  test('a turn is named by its first message, and by how often a turn of it had ended without it', () => {
    expect([turnIdOf({ seq: 4 }), turnIdOf({ seq: 4, renewed: 2 })]).toEqual(['turn-4', 'turn-4.2'])
    const names = ['turn-4', 'turn-4.2', 'turn-42', 'turn-14.4']
    expect(names.filter((name) => isTurnOf(name, 4))).toEqual(['turn-4', 'turn-4.2'])
  })

  test('A2: a turn is the agent’s whom its newest message was accepted for, in whatever order they stand', () => {
    const turn = [item('newer', { seq: 6, agent: 'ops' }), item('tried again', { seq: 3, agent: 'cfo' })]
    expect(turnAgent({ turn, agent: 'cfo' })).toBe('ops')
    expect(turnAgent({ turn: [], agent: 'cfo' })).toBe('cfo')
  })
})

describe('commits', () => {
  test('S4: a turn settles each of its messages once: answered, or dead when it was tried too often', () => {
    const turn = [item('one', { seq: 1 }), item('two', { seq: 2 })]
    const commit = turnCommit({ ...speaker, turn }, { kind: 'answered', text: 'yes' }, [1])
    expect(commit.settled).toEqual([
      { seq: 2, outcome: 'answered', reason: null },
      { seq: 1, outcome: 'dead', reason: 'it broke its session' },
    ])
    expect(commit.entries.map((entry) => [entry.role, entry.text])).toEqual([
      ['user', 'two'],
      ['assistant', 'yes'],
    ])
    expect(commit.replies).toHaveLength(2)
  })
})

const speaker: Speaker = {
  key: 'a/c1',
  channel: 'a',
  conversation: 'c1',
  agent: 'cfo',
  model: 'echo',
  waiting: [],
  turn: [],
  turnId: 'turn-1',
  given: [],
  approvals: [],
  refused: [],
  definition: null,
  preparedAtMs: 0,
  notices: [],
  keepsPartial: true,
}
