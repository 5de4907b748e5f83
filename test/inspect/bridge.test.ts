// The bridge page in a real browser: its list, and a frame in which the real package's own receiver listens as Stately's
// page does. What runs inside pages is written as text here: the project's types know no browser.

import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { House } from '../support/house.ts'
import { converse, type Heard, inspectorOf, namesOf, openHouseOfTwo, relayOf, strangers } from './support.ts'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

let browser: Browser
beforeAll(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`The bridge is tested in a real browser, and ${CHROMIUM} is missing: apt-get install chromium`)
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...QUIET] })
}, 60_000)
afterAll(() => browser?.close())

test('the package’s receiver in the frame hears the replay and all that happens', async () => {
  const house = await openHouseOfTwo()
  await converse(house, 'cfo')
  const { page, complaints } = await openBridge(house, await receiverPage())
  await vi.waitFor(async () => expect(namesOf(await heardIn(page))).toContain('session:cfo/c1'), WAIT)
  expect(await page.locator('#stately').isVisible()).toBe(false)
  await converse(house, 'ops')
  await vi.waitFor(async () => {
    const heard = await heardIn(page)
    expect(namesOf(heard)).toContain('session:ops/c1')
    const session = heard.find(({ name }) => name === 'session:ops/c1')?.sessionId
    const states = heard.flatMap(({ sessionId, snapshot }) => (sessionId === session ? [snapshot?.value] : []))
    expect(states).toEqual(expect.arrayContaining(['idle', { pending: 'preparing' }, { running: 'working' }]))
    expect(states.at(-1)).toBe('idle')
  }, WAIT)
  expect(strangers(await heardIn(page))).toEqual([])
  expect(complaints).toEqual([])
})

test('without Stately’s page a sentence says so, and the list shows who is in which state', async () => {
  const house = await openHouseOfTwo()
  // Nothing listens there, and nothing outside is asked.
  const nowhere = 'http://127.0.0.1:9/inspect'
  const { page } = await openBridge(house, nowhere, { frozen: true })
  await converse(house, 'cfo')
  await house.says('ops', 'a long one')
  await page.clock.runFor(500)
  await rowsAre(page, { gateway: 'serving', 'channel:cfo': 'open.live.serving', 'session:cfo/c1': 'idle' })
  await rowsAre(page, { 'session:ops/c1': 'running.working', think: 'active' })
  await house.thoughts.at(-1)?.answer('done')
  await page.clock.runFor(500)
  await rowsAre(page, { 'session:ops/c1': 'idle' })
  expect(await rows(page)).not.toHaveProperty('think')
  await page.clock.runFor(10_000)
  await vi.waitFor(
    async () => expect(await page.locator('#stately').textContent()).toContain(`${nowhere} cannot be reached`),
    WAIT,
  )
  expect(await page.locator('#stately').isVisible()).toBe(true)
  expect(await page.locator('#watch').textContent()).toContain('texts are hidden')
})

test('after the gateway was away the list and the frame come back by themselves', async () => {
  const house = await openHouseOfTwo()
  const target = await receiverPage()
  const first = await relayOf(inspectorOf(house), { page: target })
  const { page } = await openBridge(house, target, { url: first.url })
  await vi.waitFor(async () => expect(await heardIn(page)).not.toEqual([]), WAIT)
  await first.close()
  await vi.waitFor(
    async () => expect(await page.locator('#connection').textContent()).toContain('does not answer'),
    WAIT,
  )
  await converse(house, 'cfo')
  await relayOf(inspectorOf(house), { port: first.port, page: target })
  await vi.waitFor(async () => expect(await page.locator('#connection').textContent()).toBe('Connected.'), WAIT)
  await rowsAre(page, { 'session:cfo/c1': 'idle' })
  await vi.waitFor(async () => {
    const heard = await heardIn(page)
    expect(namesOf(heard)).toContain('session:cfo/c1')
    // Loaded again: what it heard of the gateway before is gone.
    expect(namesOf(heard).filter((name) => name === 'gateway')).toHaveLength(1)
    expect(strangers(heard)).toEqual([])
  }, WAIT)
}, 30_000)

test('when something else is watched the page says so, lists only that, and its frame begins anew', async () => {
  const house = await openHouseOfTwo()
  await converse(house, 'cfo')
  const target = await receiverPage()
  const relay = await relayOf(inspectorOf(house), { page: target })
  const { page } = await openBridge(house, target, { url: relay.url })
  await vi.waitFor(async () => expect(namesOf(await heardIn(page))).toContain('session:cfo/c1'), WAIT)
  relay.change({
    inspector: inspectorOf(house, { watch: { address: 'channel:ops' } }),
    view: { watch: 'channel:ops', texts: true },
  })
  await vi.waitFor(async () => expect(await page.locator('#watch').textContent()).toContain('channel:ops'), WAIT)
  expect(await page.locator('#watch').textContent()).toContain('texts are shown')
  await vi.waitFor(async () => expect(namesOf(await heardIn(page))).toEqual(['channel:ops', 'connection']), WAIT)
  expect(Object.keys(await rows(page))).toEqual(['channel:ops', 'connection'])
})

test('a page that does not come from Stately’s address is not spoken to', async () => {
  const house = await openHouseOfTwo()
  const { page } = await openBridge(house, await receiverPage())
  await vi.waitFor(async () => expect(await heardIn(page)).not.toEqual([]), WAIT)
  const before = await connections(page)
  await page.evaluate("postMessage({ type: '@statelyai.connected' }, '*')")
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 50))')
  expect(await connections(page)).toBe(before)
})

// --- helpers ------------------------------------------------------------------------------------------------------------

const WAIT = { timeout: 10_000, interval: 25 }

async function openBridge(
  house: House,
  target: string,
  { frozen = false, url }: { frozen?: boolean; url?: string } = {},
): Promise<{ page: Page; complaints: string[] }> {
  const address = url ?? (await relayOf(inspectorOf(house), { page: target })).url
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
  await page.addInitScript(COUNT_CONNECTIONS)
  if (frozen) await page.clock.install()
  await page.goto(address)
  return { page, complaints }
}

const COUNT_CONNECTIONS = `{
  const Original = WebSocket
  globalThis.connections = 0
  globalThis.WebSocket = class extends Original { constructor(...all) { super(...all); connections += 1 } }
}`

function connections(page: Page): Promise<number> {
  return page.evaluate('connections')
}

async function heardIn(page: Page): Promise<Heard[]> {
  const frame = page.frames().find((each) => each.url().endsWith('/inspect'))
  if (frame === undefined) return []
  return frame.evaluate<Heard[]>('globalThis.heard ?? []').catch(() => [])
}

function rows(page: Page): Promise<Record<string, string>> {
  return page.evaluate(`Object.fromEntries([...document.querySelectorAll('#actors li')].map((row) =>
    [row.querySelector('.name').textContent, row.querySelector('.state').textContent]))`)
}

async function rowsAre(page: Page, expected: Record<string, string>): Promise<void> {
  await vi.waitFor(async () => {
    // The page draws with the next frame, which a clock that is held by the test has to be told; another needs no word.
    await page.clock.runFor(50).catch(() => {})
    expect(await rows(page)).toMatchObject(expected)
  }, WAIT)
}

/** A page on an origin of its own that does what Stately's does: the package's receiver, its messages kept. */
async function receiverPage(): Promise<string> {
  const server = createServer(({ url = '/' }, response) => {
    const served = url === '/inspect' ? RECEIVER : moduleAt(url)
    response.writeHead(served === null ? 404 : 200, {
      'Content-Type': url === '/inspect' ? 'text/html' : 'text/javascript',
    })
    response.end(served)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`
}

function moduleAt(url: string): string | null {
  const file = new URL(`../..${url}`, import.meta.url)
  return url.startsWith('/node_modules/') && existsSync(file) ? readFileSync(file, 'utf8') : null
}

/** What the receiver's file imports beside XState is for its inspectors. */
const UNUSED = ['fast-safe-stringify', 'safe-stable-stringify', 'isomorphic-ws', 'partysocket', 'superjson', '#uuid']

const IMPORTS = {
  xstate: '/node_modules/xstate/dist/xstate.esm.js',
  ...Object.fromEntries(
    UNUSED.map((name) => [name, 'data:text/javascript,export default {};export const stringify=0,uuid=0']),
  ),
}

const RECEIVER = `<!doctype html>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
  import { createBrowserReceiver } from '/node_modules/@statelyai/inspect/dist/index.mjs'
  globalThis.heard = []
  createBrowserReceiver().subscribe((message) => heard.push(message))
</script>`
