// Work folders: which one a run gets, who may look into it, what goes with the run, and what a start sweeps away. A folder by
// the name of its session alone is caught by two sessions that look alike.

import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openWorkdir, removeRunFolder, sweepWorkdirs, type WorkdirParts } from '../../src/tools/workdir.ts'
import { testAgent } from '../support/definitions.ts'
import { failureOf, open, temporaryFolder, world } from './parts.ts'

const DAY_MS = 86_400_000

function parts(rest: Partial<WorkdirParts> = {}, workdir: WorkdirParts['definition']['workdir'] = 'per_session') {
  const data = rest.data ?? temporaryFolder()
  const definition = testAgent('cfo', { workdir })
  return { definition, session: 'web/room', turn: 't1', data, hidden: [data], world: world(), ...rest }
}

describe('a folder of its own', () => {
  test('is the same for each run of a session, and only its owner may look into it', async () => {
    const first = parts()
    const folder = await openWorkdir(first)
    writeFileSync(join(folder.path, 'a.txt'), 'a')
    const again = await openWorkdir({ ...first, turn: 't2' })
    expect(again).toMatchObject({ path: folder.path, kind: 'own' })
    expect(readdirSync(again.path)).toEqual(['a.txt'])
    expect(statSync(again.path).mode & 0o777).toBe(0o700)
    expect(statSync(join(again.path, '..')).mode & 0o777).toBe(0o700)
  })

  test('A2: two sessions have two, also when their keys look alike', async () => {
    const data = temporaryFolder()
    const keys = ['web/a_b', 'web/a%20b', 'web/a_b/', 'web/../x', 'web_a_b', 'x'.repeat(100), `${'x'.repeat(100)}y`]
    const paths = await Promise.all(keys.map(async (session) => (await openWorkdir(parts({ data, session }))).path))
    expect(new Set(paths).size).toBe(keys.length)
    for (const path of paths) expect(join(path, '..')).toBe(join(data, 'work'))
    // As it would be without the digest.
    expect(new Set(keys.map((key) => key.replace(/[^A-Za-z0-9-]+/g, '_').slice(0, 40))).size).toBeLessThan(keys.length)
  })

  test('of a run is there again for a run that goes on after a crash, and is removed alone', async () => {
    const first = parts({}, 'per_run')
    const crashed = await openWorkdir(first)
    writeFileSync(join(crashed.path, 'half.txt'), 'half')
    const resumed = await openWorkdir(first)
    expect(readdirSync(resumed.path)).toEqual(['half.txt'])
    const other = await openWorkdir({ ...first, turn: 't2' })
    expect(readdirSync(other.path)).toEqual([])
    const session = await openWorkdir({ ...first, definition: testAgent('cfo') })
    for (let times = 0; times < 2; times += 1) await removeRunFolder(first)
    expect([resumed, other, session].map(({ path }) => existsSync(path))).toEqual([false, true, true])
  })

  test('that a command put a link in place of is not used', async () => {
    const first = parts()
    const { path } = await openWorkdir(first)
    rmSync(path, { recursive: true })
    symlinkSync(temporaryFolder(), path)
    expect((await failureOf(openWorkdir(first))).message).toBe(
      'the work folder of this session is not a folder any more',
    )
  })
})

describe('a given folder', () => {
  test('is used as it is, and stays', async () => {
    const given = temporaryFolder()
    const link = join(temporaryFolder(), 'link')
    symlinkSync(given, link)
    const first = parts({}, { path: link })
    const folder = await openWorkdir(first)
    expect(folder).toMatchObject({ path: given, kind: 'given' })
    await removeRunFolder(first)
    expect(existsSync(given)).toBe(true)
  })

  test.each([
    ['is not there', (path: string) => join(path, 'none'), 'is not there'],
    [
      'is a file',
      (path: string) => {
        writeFileSync(join(path, 'file'), '')
        return join(path, 'file')
      },
      'is not a folder',
    ],
  ])('that %s is named', async (_, pathIn, said) => {
    const path = pathIn(temporaryFolder())
    const failure = await failureOf(openWorkdir(parts({}, { path })))
    expect(failure).toMatchObject({ reason: 'missing', message: `the work folder ${path} ${said}` })
  })

  test('that holds the configuration or the data folder, or lies in it, is refused, also behind a link', async () => {
    const home = temporaryFolder()
    const data = join(home, 'data')
    mkdirSync(join(data, 'inside'), { recursive: true })
    const link = join(temporaryFolder(), 'link')
    symlinkSync(home, link)
    for (const path of [home, link, data, join(data, 'inside')]) {
      const failure = await failureOf(openWorkdir(parts({ data, hidden: [data] }, { path })))
      expect(failure.message, path).toContain('holds the configuration or the data folder')
    }
  })
})

test('an agent without a tool that works in a folder has none', async () => {
  const { parts: built } = await open({ tools: ['http', 'memory'] })
  expect(readdirSync(built.data)).toEqual([])
})

const nobodyAsks = () => Promise.reject(new Error('there are no folders of runs here'))

describe('a start', () => {
  test('removes what nobody used for so long, and nothing else', async () => {
    const data = temporaryFolder()
    const old = await openWorkdir(parts({ data, session: 'web/old' }))
    const used = await openWorkdir(parts({ data, session: 'web/used' }))
    mkdirSync(join(old.path, 'deep/er'), { recursive: true })
    for (const { path } of [old, used]) utimesSync(path, 1, (Date.now() - 31 * DAY_MS) / 1_000)
    await openWorkdir(parts({ data, session: 'web/used' }))
    const sweep = { data, keepMs: 30 * DAY_MS, world: world(), runsOver: nobodyAsks }
    expect(await sweepWorkdirs(sweep)).toEqual({ removed: 1, failed: 0 })
    expect([existsSync(old.path), existsSync(used.path)]).toEqual([false, true])
    expect(await sweepWorkdirs(sweep)).toEqual({ removed: 0, failed: 0 })
  })

  test('in a data folder without work folders has nothing to do', async () => {
    const sweep = { data: join(temporaryFolder(), 'none'), keepMs: 0, world: world(), runsOver: nobodyAsks }
    expect(await sweepWorkdirs(sweep)).toEqual({ removed: 0, failed: 0 })
  })

  test('removes the folders of runs that are over, and none when nobody can say which', async () => {
    const data = temporaryFolder()
    const paths: string[] = []
    for (const turn of ['t1', 't2']) paths.push((await openWorkdir(parts({ data, turn }, 'per_run'))).path)
    const session = await openWorkdir(parts({ data }))
    const asked: string[] = []
    const runsOver = async (names: readonly string[]) => (asked.push(...names), new Set([basename(paths[0] ?? '')]))
    const sweep = { data, keepMs: DAY_MS, world: world(), runsOver }
    const unknown = { ...sweep, runsOver: () => Promise.reject(new Error('the disk is away')) }
    expect(await sweepWorkdirs(unknown)).toEqual({ removed: 0, failed: 0 })
    expect(await sweepWorkdirs(sweep)).toEqual({ removed: 1, failed: 0 })
    expect(asked.toSorted()).toEqual(paths.map((path) => basename(path)).toSorted())
    expect([...paths, session.path].map(existsSync)).toEqual([false, true, true])
  })
})
