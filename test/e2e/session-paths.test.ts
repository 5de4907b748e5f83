// The session's model a second time, end to end: the same paths as in test/models, through the binary, the Bot API server and a
// model server, all in one gateway process, a conversation for each path.
//   `npm test` walks a few paths that take each kind of pair once; `npm run paths` takes every pair of a state and an event.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { kindOfPair, OUTSIDE, outsideModel, type OutsideMachine } from '../models/session-outside.ts'
import { openTown, type Town } from '../models/session-outside-town.ts'
import * as parts from '../models/session-parts.ts'
import { caughtBy, oneOfEachKind, type Path, tours } from '../support/paths.ts'
import type { Replaced } from '../support/replaced.ts'
import { SOON_MS } from '../support/scenario.ts'

const ALL = process.env['TROUPE_PATHS'] === 'all'

const WALKED = {
  'messages that wait their turn': parts.QUEUE,
  'a message that interrupts': parts.INTERRUPT,
  'the history': parts.COMMANDS,
  'a run that uses tools': parts.TOOLS,
}

const PATHS = Object.fromEntries(Object.entries(WALKED).map(([title, part]) => [title, pathsOf(part)]))

/** Most of a step is waiting for the platform. */
const SIDE_BY_SIDE = 8

/** A broken subject never shows what it should: it is given up sooner. */
const BROKEN_MS = 2_500

const WALK_MS_MAX = ALL ? 600_000 : 60_000

let town: Town

beforeAll(async () => {
  town = await openTown()
}, WALK_MS_MAX)

afterAll(() => town.close())

test('every event of the model is walked from outside, or it is written down why it is not', () => {
  const everything = Object.values(parts).flatMap(({ events }) => events.map(({ type }) => type))
  expect(Object.keys(OUTSIDE).toSorted()).toEqual([...new Set(everything)].toSorted())
  const walked = Object.values(PATHS).flatMap((paths) =>
    paths.flatMap(({ description }) => description.match(/\w+/g) ?? []),
  )
  const played = Object.keys(OUTSIDE).filter((type) => OUTSIDE[type as keyof typeof OUTSIDE] === 'played') // Its own keys.
  expect(played.filter((type) => !walked.includes(type))).toEqual([])
})

test.each(Object.entries(WALKED))(
  'S1 S3 S5 S6 from outside: %s',
  async (title, { mode }) => {
    const left = [...(PATHS[title] ?? [])]
    expect(left).not.toEqual([])
    const lane = async (): Promise<void> => {
      for (let path = left.shift(); path !== undefined; path = left.shift()) {
        const { description } = path
        await path.on(town.subject(mode, SOON_MS)).catch((error: unknown) => {
          throw new Error(`On the path ${description}`, { cause: error })
        })
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane))
    const { found, expected } = await town.status()
    expect(found).toEqual(expected)
  },
  WALK_MS_MAX,
)

const STOP = "actions: ['noteRouted', { type: 'record', params: stop('running') }, 'noteAnswered', 'endTurn'],"

const BROKEN: Readonly<Record<string, Replaced>> = {
  'S6: /stop does not end the run': {
    file: '/machines/session.ts',
    was: `target: '#session.idle',\n                ${STOP}`,
    is: STOP.replace(", 'endTurn'", ''),
  },
  'S2: one more than `queue_limit` waits': {
    file: '/machines/inbox.ts',
    was: 'turnsWaiting(inbox) >= limit',
    is: 'turnsWaiting(inbox) > limit',
  },
}

test.concurrent.each(Object.entries(BROKEN))(
  'is caught when %s',
  async (_, wrong) => {
    const broken = await openTown(wrong)
    try {
      const caught = await caughtBy(pathsOf(parts.QUEUE), () => broken.subject('queue', BROKEN_MS))
      expect(caught).toMatch(/^AssertionError/)
    } finally {
      await broken.close()
    }
  },
  WALK_MS_MAX,
)

function pathsOf(part: parts.SessionPart): Path<OutsideMachine>[] {
  const model = outsideModel(part)
  return ALL ? [...tours(model).paths] : oneOfEachKind(model, kindOfPair)
}
