// Deployments that fail early, through the binary: each broken one stops, or loses its own channel alone, before the first message, and
// says in which phase, why, and what to do; and what is not broken serves. The deployments are in test/fixtures/broken.

import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PHASE_NAMES } from '../../machines/phases.ts'
import { deploymentNames, type Expectation, expectationOf, FIXTURES, mistakesOf } from '../support/deployments.ts'
import { openTelegram, post, scenario, started, statusOf, temporaryFolder } from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

const NAMES = deploymentNames()

/** The rows of the table: each is one way in which agents that worked on one machine did not on the next. */
const CLASSES = [
  'live object, function or class in a definition',
  'a module of the user that cannot be built',
  'shared mutable state between replicas or sessions',
  'work folder collisions',
  'missing executable, wrong Node',
  'secrets before the environment is there, empty, with quotes or a newline, of another place',
  'model endpoint unreachable, unknown model, context smaller than the instructions',
  'port taken, folder not writable, disk full, clock wrong, store of a newer version',
  'a platform that is away or says no',
  'a file that is none',
  'a name or value that makes no sense',
  'schedule that cannot work',
  "MCP server that won't start",
]

test('there are at least forty, of every class and every phase', () => {
  const all = NAMES.map(expectationOf)
  expect(all.length).toBeGreaterThanOrEqual(40)
  expect(new Set(all.map((one) => one.class))).toEqual(new Set(CLASSES))
  expect(new Set(all.map(({ phase }) => phase))).toEqual(new Set(PHASE_NAMES))
})

for (const name of NAMES) {
  const expected = expectationOf(name)
  scenario(`${name}: ${expected.phase}`, async () => {
    expect(await mistakesOf(name, expected, await openTelegram())).toEqual([])
  })
}

const SAYS: Partial<Expectation> = { phase: 'requires', cause: ['pandoc is not in PATH'], remedy: ['Install pandoc'] }

/** Expectations that are wrong, each in one way. */
const WRONG: Readonly<Record<string, readonly [name: string, change: Partial<Expectation>, complaint: string]>> = {
  'a healthy one that should lose a channel': [
    'healthy',
    { ...SAYS, channel: 'bad', state: 'failed' },
    'does not say that bad is failed',
  ],
  'another phase': ['executable-missing', { phase: 'connect' }, 'does not say that bad is failed in connect'],
  'another cause': ['executable-missing', { cause: ['pandoc is not in PATH'] }, 'nobody says "pandoc is not in PATH"'],
  'another remedy': ['store-damaged', { remedy: ['Delete it'] }, 'nobody says "Delete it"'],
  'another code': ['disk-full', { exit: 78 }, 'it ends with 75 and not with 78'],
}

for (const [title, [name, change, complaint]] of Object.entries(WRONG)) {
  scenario(`the runner catches ${title}`, async () => {
    const right = name === 'healthy' ? { class: '', serves: [] } : expectationOf(name)
    const expected = { ...right, ...change } as Expectation // as: the parts that `healthy` leaves out are in the change.
    expect((await mistakesOf(name, expected, await openTelegram())).join('\n')).toContain(complaint)
  })
}

scenario('S08 two processes run the same file side by side, each on a data folder of its own', async () => {
  const folder = temporaryFolder()
  copyFileSync(join(FIXTURES, 'healthy/gateway.yaml'), join(folder, 'gateway.yaml'))
  const [one, two] = await Promise.all(
    ['one', 'two'].map((data) => started(folder, { arguments: ['--data', join(folder, data)] })),
  )
  if (one === undefined || two === undefined) throw new Error('two were started')
  await post(one, 'web', { conversation: 'c', text: 'to the first' })
  expect(await (await watch(one, 'web', 'c')).answered(1)).toEqual(['ops heard: to the first'])
  const sessions = await Promise.all([one, two].map(async (each) => (await statusOf(each)).sessions))
  expect(sessions.map(({ idle, running, pending }) => idle + running + pending)).toEqual([1, 0])
})
