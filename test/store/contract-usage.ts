// Contract checks: what runs took, added up, and the line that the store adds to a reply.

import { expect } from 'vitest'
import { dayOf, NOTHING_USED, type UsageEntry } from '../../machines/usage.ts'
import type { TranscriptRole } from '../../machines/messages.ts'
import type { Check } from './contract.ts'
import { newCommit } from './message-parts.ts'

const DAY_MS = 86_400_000

function entry(day: number, given: Partial<UsageEntry> = {}): UsageEntry {
  return { day, agent: 'cfo', user: 'web/7', ...NOTHING_USED, runs: 1, inputTokens: 10, outputTokens: 2, ...given }
}

const used = (runs: number, inputTokens: number, outputTokens: number, cost: number | null = null) => ({
  ...NOTHING_USED,
  runs,
  inputTokens,
  outputTokens,
  cost,
})

export const usageChecks: readonly Check[] = [
  {
    name: 'usage is added up by day, agent, person and session; a cost is what has a price',
    async run(store, world) {
      const today = dayOf(world.nowMs())
      const yesterday = dayOf(world.nowMs() - DAY_MS)
      const longAgo = dayOf(world.nowMs() - 30 * DAY_MS)
      await store.commit(newCommit({ usage: [entry(today), entry(today, { runs: 0, cost: 0.5 })] }))
      await store.commit(newCommit({ usage: [entry(yesterday), entry(longAgo)] }))
      await store.commit(newCommit({ sessionKey: 'web/other', usage: [entry(today, { user: 'web/8', cost: 0.25 })] }))
      await store.commit(newCommit({ sessionKey: 'tg/1', usage: [entry(today, { agent: 'ops', cost: 1 })] }))
      await store.commit(newCommit({ sessionKey: null, usage: [entry(today)] }))

      expect(await store.usageOn(today, { per: 'agent', agent: 'cfo' })).toStrictEqual(used(2, 30, 6, 0.75))
      expect(await store.usageOn(today, { per: 'user', agent: 'cfo', user: 'web/7' })).toStrictEqual(
        used(1, 20, 4, 0.5),
      )
      expect(await store.usageOn(today, { per: 'session', session: 'web/other' })).toStrictEqual(used(1, 10, 2, 0.25))
      expect(await store.usageOn(yesterday, { per: 'agent', agent: 'cfo' })).toStrictEqual(used(1, 10, 2))
      expect(await store.usageOn(today, { per: 'agent', agent: 'nobody' })).toStrictEqual(used(0, 0, 0))

      expect(await store.usageOfSession('web/room', 1)).toStrictEqual(used(1, 20, 4, 0.5))
      expect(await store.usageOfSession('web/room', 2)).toStrictEqual(used(2, 30, 6, 0.5))
      expect(await store.usageOfSession('web/nowhere', 30)).toStrictEqual(used(0, 0, 0))

      const rows = async (daysAgo: number, after: { agent: string; user: string } | null = null, limit = 10) =>
        (await store.usageOfPeople(daysAgo, after, limit)).map(
          (row) => `${row.agent} ${row.user} ${row.inputTokens} ${row.cost}`,
        )
      expect(await rows(0)).toEqual(['cfo web/7 20 0.5', 'cfo web/8 10 0.25', 'ops web/7 10 1'])
      expect(await rows(0, null, 2)).toEqual(['cfo web/7 20 0.5', 'cfo web/8 10 0.25'])
      expect(await rows(0, { agent: 'cfo', user: 'web/8' })).toEqual(['ops web/7 10 1'])
      expect(await rows(1)).toEqual(['cfo web/7 10 null'])
      expect(await rows(30)).toEqual(['cfo web/7 10 null'])
      world.pass(DAY_MS)
      expect(await rows(0)).toEqual([])
    },
  },
  {
    name: 'as much of usage as is an estimate is added up beside it, and comes back with the entry that it stands in; speech, too',
    async run(store, world) {
      const today = dayOf(world.nowMs())
      const estimated = { inputTokens: 3, outputTokens: 2, cost: 0.25 }
      await store.commit(
        newCommit({ usage: [entry(today, { cost: 0.5, estimated, speechSeconds: 1.5 }), entry(today)] }),
      )
      await store.commit(
        newCommit({ usage: [entry(today, { estimated: { ...estimated, cost: null }, speechSeconds: 2 })] }),
      )
      const all = {
        ...{ ...used(3, 30, 6, 0.5), speechSeconds: 3.5 },
        estimated: { inputTokens: 6, outputTokens: 4, cost: 0.25 },
      }
      expect(await store.usageOn(today, { per: 'agent', agent: 'cfo' })).toStrictEqual(all)
      expect(await store.usageOfSession('web/room', 1)).toStrictEqual(all)
      expect(await store.usageOfPeople(0, null, 9)).toStrictEqual([{ agent: 'cfo', user: 'web/7', ...all }])

      const spent = { inputTokens: 7, outputTokens: 3, cost: null, estimated: { ...estimated, cost: null } }
      const cut = { role: 'partial', turn: 'T1', text: 'ye', sender: null, model: 'openai:a', spent } as const
      await store.commit(newCommit({ entries: [cut] }))
      expect(await store.transcript('web/room')).toStrictEqual([expect.objectContaining({ spent })])
    },
  },
  {
    name: 'usage is part of its commit: what fails adds nothing, and a reply that tells it tells it as it is then',
    async run(store, world) {
      const usage = [entry(dayOf(world.nowMs()), { inputTokens: 1_000, outputTokens: 234 })]
      // A cast, because the types do not let anybody write this: the table refuses it.
      const broken = { role: 'nonsense' as TranscriptRole, turn: 'T1', text: '', sender: null }
      await expect(store.commit(newCommit({ usage, entries: [broken] }))).rejects.toThrow()
      const tells = { conversation: 'room', text: 'State: idle', replyTo: null, adds: 'usage' } as const
      await Promise.all([
        store.commit(newCommit({ replies: [tells] })),
        store.commit(newCommit({ usage })),
        store.commit(newCommit({ replies: [tells, { conversation: 'room', text: 'plain', replyTo: null }] })),
      ])
      const texts: string[] = []
      for (let item = await store.nextOwed('web', 'room'); item !== null; item = await store.nextOwed('web', 'room')) {
        texts.push(item.text)
        await store.receipt(item.id, 'r', true)
      }
      expect(texts).toEqual([
        'State: idle\nUsed today: 0 tokens in 0 runs',
        'State: idle\nUsed today: 1,234 tokens (1,000 in, 234 out) in 1 run',
        'plain',
      ])
    },
  },
  {
    name: 'which model gave a text, and what it took, comes back with its entry',
    async run(store) {
      const says = { turn: 'T1', text: 'yes', sender: null } as const
      const credits = [
        { model: 'openai:a', spent: { inputTokens: 7, outputTokens: 3, cost: 0.1 } },
        { model: 'openai:b', spent: { inputTokens: 7, outputTokens: 3, cost: null } },
        { model: 'echo', spent: null },
        {},
      ]
      await store.commit(newCommit({ entries: credits.map((credit) => ({ role: 'assistant', ...says, ...credit })) }))
      const read = (await store.transcript('web/room')).map(({ seq: _, atMs: __, ...entry }) => entry)
      expect(read).toStrictEqual(credits.map((credit) => ({ role: 'assistant', ...says, steps: [], ...credit })))
    },
  },
]
