// Contract checks: conversations that a client keeps itself: what was said before comes with the message, and all of it is forgotten.

import { expect } from 'vitest'
import { NOTHING_USED } from '../../machines/usage.ts'
import { newCommit, newMessage } from './message-parts.ts'
import type { Check } from './contract.ts'

const HOUR_MS = 3_600_000

/** A session that was asked once and is answered. */
const place = (name: string) => ({
  channel: '@openai',
  conversation: `~cfo/${name}`,
  sessionKey: `%40openai/~cfo%2F${name}`,
})

export const askedOnceChecks: readonly Check[] = [
  {
    name: 'what was said before a message is history with it, once; what its client wants known, unless it is known',
    async run(store) {
      const asked = {
        ...place('a'),
        brief: 'be brief',
        earlier: [
          { role: 'user', text: 'one?' },
          { role: 'assistant', text: '1' },
          { role: 'user', text: 'two?' },
        ],
      } as const
      const { seq } = await store.accept(newMessage(asked))
      expect(await store.accept(newMessage(asked))).toMatchObject({ seq, duplicate: true })
      const told = async () =>
        (await store.history(asked.sessionKey)).map(
          ({ role, text, turn }) => `${turn.replace(/^before-\d+-/, '')} ${role} ${text}`,
        )
      const before = ['0 user be brief', '1 user one?', '1 assistant 1', '2 user two?']
      expect(await told()).toEqual(before)
      await store.accept(newMessage({ ...place('a'), platformMessageId: '2', brief: 'be brief' }))
      expect(await told()).toEqual(before)
      await store.accept(newMessage({ ...place('a'), platformMessageId: '3', brief: 'be long' }))
      expect(await told()).toEqual([...before, '0 user be long'])
      const [message] = await store.unfinishedOf(asked.sessionKey)
      expect(message).not.toHaveProperty('earlier')
    },
  },
  {
    name: 'a session that rests for long is forgotten whole, but for what was used; none that has something left',
    async run(store, world) {
      const usage = [
        { day: 20_000, agent: 'cfo', user: '@openai/anna', ...NOTHING_USED, runs: 1, inputTokens: 3, outputTokens: 2 },
      ]
      const ask = async (name: string, outcome: 'answered' | 'dead' | null, deliver = true) => {
        const { seq } = await store.accept(newMessage({ ...place(name), earlier: [{ role: 'user', text: 'before' }] }))
        if (outcome === null) return
        const reply = { conversation: place(name).conversation, text: 'yes', replyTo: null }
        const settled = [{ seq, outcome, reason: null }]
        await store.commit(newCommit({ ...place(name), settled, replies: [reply], usage }))
        const owed = await store.nextOwed('@openai', place(name).conversation)
        if (deliver) await store.receipt(owed?.id ?? 0, 'r', true)
      }
      await ask('answered', 'answered')
      await ask('waiting', null)
      await ask('owed', 'answered', false)
      await ask('dead', 'dead')
      await store.accept(newMessage({ conversation: 'other' }))
      const what = { prefix: '%40openai/~', beforeMs: world.nowMs(), limit: 10 }
      expect(await store.forget(what)).toEqual([])
      world.pass(HOUR_MS)
      const before = await store.counts()
      expect(await store.forget({ ...what, beforeMs: world.nowMs() })).toEqual([place('answered').sessionKey])
      expect(await store.counts()).toEqual({
        ...before,
        sessions: before.sessions - 1,
        messages: { ...before.messages, answered: before.messages.answered - 1 },
      })
      const left = (await store.sessions(10)).map(({ conversation }) => conversation)
      expect(left.toSorted()).toEqual(['other', '~cfo/dead', '~cfo/owed', '~cfo/waiting'])
      const { sessionKey } = place('answered')
      expect(await store.transcript(sessionKey)).toEqual([])
      expect((await store.record(sessionKey, null, 10)).entries).toEqual([])
      expect(await store.usageOn(20_000, { per: 'agent', agent: 'cfo' })).toMatchObject({ runs: 3, inputTokens: 9 })
      // Its id is free again: nothing of it is left that could be taken for the same message.
      expect(await store.accept(newMessage(place('answered')))).toMatchObject({ duplicate: false })
    },
  },
]
