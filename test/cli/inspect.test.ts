// Inspect: `troupe inspect` on a gateway that runs: what it prints, what it changes, and which browser it opens.

import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowser } from '../../src/cli/browser.ts'
import { runProgram } from '../../src/cli/program.ts'
import { realWorld } from '../../src/world.ts'
import { begin, folderWith, troupe, TWO } from './child.ts'
import { testContext } from './context.ts'
import { soon } from '../support/soon.ts'

const TOKEN = 'a-token-of-this-test'

test('troupe inspect opens, changes and closes the inspector of a running gateway', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO.replace('port: 0', `port: 0\n  token: ${TOKEN}`) })
  const gateway = begin(['start'], { folder })
  const url = await gateway.address()
  const inspect = (...args: string[]) => troupe(['inspect', ...args], { folder })

  const first = await inspect('cfo')
  expect(first).toMatchObject({ code: 0, err: '' })
  const address = /^Inspector: (http:\/\/127\.0\.0\.1:\d+\/)\nWatching channel:cfo, message texts hidden/.exec(
    first.out,
  )?.[1]
  expect(first.out).toContain('https://stately.ai/inspect in a frame, which needs the internet')
  expect(first.out).not.toContain('browser')
  const view = async (): Promise<unknown> => (await fetch(new URL('view.json', address))).json()
  expect(await view()).toMatchObject({ watch: 'channel:cfo', texts: false })

  // Its address alone is enough when the token stands in the environment.
  const { context, out } = testContext('pipes', { TROUPE_TOKEN: TOKEN })
  expect(await runProgram(['inspect', 'session:ops/lobby', '--texts', '--url', url], context)).toBe(0)
  expect(out()).toContain(`Inspector: ${address}\nNow watching session:ops/lobby, with what people and models write.\n`)
  expect(await view()).toMatchObject({ watch: 'session:ops/lobby', texts: true })

  const same = testContext('pipes', { TROUPE_TOKEN: TOKEN })
  expect(await runProgram(['inspect', '--url', url], same.context)).toBe(0)
  expect(same.out()).toContain('Still watching session:ops/lobby, with what people')

  const wrong = testContext('pipes', { TROUPE_TOKEN: TOKEN })
  expect(await runProgram(['inspect', 'nobody', '--url', url], wrong.context)).toBe(1)
  expect(wrong.err()).toContain('There is no channel "nobody" to inspect. Name one of these: cfo, ops, @openai.')

  for (const says of ['Closed: nobody watches any more.\n', 'Nobody was watching.\n']) {
    const ending = testContext('pipes', { TROUPE_TOKEN: TOKEN })
    expect(await runProgram(['inspect', '--end', '--url', url], ending.context)).toBe(0)
    expect(ending.out()).toBe(says)
  }
  await expect(view()).rejects.toThrow('fetch failed')
})

test('without a running gateway it says so', async () => {
  const nobody = testContext()
  expect(await runProgram(['inspect', '--url', 'http://127.0.0.1:9'], nobody.context)).toBe(1)
  expect(nobody.err()).toContain('Nothing answers at http://127.0.0.1:9')
})

// --- browsers -----------------------------------------------------------------------------------------------------------

/** An opener that writes down what it was given, or one that has no browser. */
function openers(): { path: string; noted: string } {
  const folder = folderWith()
  const noted = join(folder, 'noted')
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" > ${noted}\n`)
  chmodSync(join(folder, 'xdg-open'), 0o755)
  return { path: folder + delimiter + (process.env.PATH ?? ''), noted }
}

const SCREEN = { DISPLAY: ':0' }

test('on a terminal with a screen the page is opened in the browser, unless --no-open says otherwise', async () => {
  const { path, noted } = openers()
  const port = await answering()
  const run = async (...args: string[]): Promise<string> => {
    const { context, out } = testContext('terminal', { ...SCREEN, PATH: path })
    expect(await runProgram(['inspect', ...args], context)).toBe(0)
    return out()
  }
  const closed = await run('--no-open', '--url', `http://127.0.0.1:${port}`)
  expect(closed).toContain('Inspector: http://127.0.0.1:4321/')
  expect(closed).not.toContain('browser')
  // Another machine's, as far as its name says: its inspector is reached through a tunnel only.
  const away = await run('--url', `http://0.0.0.0:${port}`)
  expect(away).toContain('  ssh -N -L 4321:127.0.0.1:4321 0.0.0.0\n')
  expect(existsSync(noted)).toBe(false)
  expect(await run('--url', `http://127.0.0.1:${port}`)).toContain('Opened in the browser.')
  await soon(() => expect(readFileSync(noted, 'utf8')).toBe('http://127.0.0.1:4321/\n'))
})

/** A port that says what a gateway says whose inspector is open. */
async function answering(): Promise<number> {
  const view = { url: 'http://127.0.0.1:4321/', page: 'https://page/', watch: 'everything', texts: false }
  const server = createServer((_, response) => response.end(JSON.stringify({ ...view, outcome: 'opened' })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port // A TCP server that listens has one.
}

test('where there is no screen, no opener, or one that fails, the answer is no', async () => {
  const { path, noted } = openers()
  expect(await openBrowser('http://127.0.0.1:1/', realWorld({ PATH: path }))).toBe(false)
  expect(existsSync(noted)).toBe(false)
  expect(await openBrowser('http://127.0.0.1:1/', realWorld({ ...SCREEN, PATH: '/nowhere' }))).toBe(false)
  const failing = folderWith({ 'xdg-open': '#!/bin/sh\nexit 3\n' })
  chmodSync(join(failing, 'xdg-open'), 0o755)
  expect(await openBrowser('http://127.0.0.1:1/', realWorld({ ...SCREEN, PATH: failing }))).toBe(false)
})
