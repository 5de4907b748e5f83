// HTTP: the tools against real servers on this machine, which are reached only where the agent's list names them. Which
// addresses are public, what is done with names, redirects, sizes and times. A check that looks at the address as it is
// written, and one that asks for the name a second time, are caught by the same attacks.

import type { lookup } from 'node:dns'
import { createServer, type IncomingMessage, request, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, isIP } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { hostOfAddress, isListed, isPublic, targetOf } from '../../src/tools/http-address.ts'
import { BODY_BYTES_MAX, FETCH_MS_MAX, type Resolve } from '../../src/tools/http-fetch.ts'
import { httpTools } from '../../src/tools/http.ts'
import { htmlText } from '../../src/tools/html-text.ts'
import type { World } from '../../src/world.ts'
import { failureOf, scope, world } from './parts.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

interface Served {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly seen: IncomingMessage[]
}

async function serve(answer: RequestListener, address = '127.0.0.1', port = 0): Promise<Served> {
  const seen: IncomingMessage[] = []
  const server = createServer((incoming, response) => {
    seen.push(incoming)
    answer(incoming, response)
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port: given } = server.address() as AddressInfo // as: it listens on TCP
  return { url: `http://${address}:${given}`, host: `${address}:${given}`, port: given, seen }
}

const text =
  (body: string): RequestListener =>
  (_, response) =>
    response.end(body)

interface Asking {
  readonly allow?: readonly string[]
  readonly resolve?: Resolve
  readonly signal?: AbortSignal
  readonly world?: World
  readonly tool?: 'http_get' | 'http_request'
}

/** One call of a tool; its arguments as the model gives them. */
function ask(input: Record<string, unknown>, asking: Asking = {}): Promise<string> {
  const { allow = [], signal = new AbortController().signal, tool: name = 'http_get' } = asking
  const tools = httpTools({
    allow,
    world: asking.world ?? world(),
    ...(asking.resolve ? { resolve: asking.resolve } : {}),
  })
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) throw new Error(`there is no tool ${name}`)
  return tool.call(input, { ...scope(), signal })
}

/** What a URL leads to when its address is taken as written: many forms of 127.0.0.1, and of other places that are not public. */
const NOT_PUBLIC = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.255.255.254/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://127.0.0.1./',
  'http://１２７.0.0.1/',
  'http://127。0。0。1/',
  'http://%31%32%37.0.0.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:7f00:1::]/',
  'http://[fe80::1]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://100.100.100.200/',
  'http://169.254.169.254/latest/meta-data/',
  'http://168.63.129.16/',
  'http://192.0.0.192/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
] as const

describe('addresses', () => {
  test.each(NOT_PUBLIC)('%s is refused', async (url) => {
    const failure = await failureOf(ask({ url }))
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'refused' })
    expect(failure.message).toMatch(/is not on the public internet|there is no host/)
  })

  test('a check of the text as it is written lets most of them through', () => {
    const asWritten = (url: string): boolean => !/\/\/(127\.0\.0\.1|localhost|10\.|192\.168\.|0\.0\.0\.0)/.test(url)
    expect(NOT_PUBLIC.filter(asWritten).length).toBeGreaterThan(30)
  })

  test.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => expect(isPublic(address)).toBe(true),
  )

  test.each(['', 'localhost', '1.1.1', 'fe80::1%eth0', '2606:4700::1111%lo'])('%j is not', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  test.each([
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/x', true],
    ['127.0.0.1:8080', 'http://2130706433:8080/x', true],
    ['127.0.0.1:8080', 'http://127.0.0.1:8081/', false],
    ['127.0.0.1', 'http://127.0.0.1:8081/', true],
    ['127.0.0.1:80', 'http://127.0.0.1/', true],
    ['127.0.0.1:443', 'https://127.0.0.1/', true],
    ['127.0.0.1:80', 'https://127.0.0.1/', false],
    ['[::1]:8080', 'http://[0::1]:8080/', true],
    ['intranet.example', 'http://INTRANET.example:99/', true],
    ['intranet.example', 'http://xintranet.example/', false],
    ['intranet.example', 'http://intranet.example.evil.test/', false],
  ])('a list with %s and %s: %s', (entry, url, expected) => {
    expect(isListed([entry], targetOf(new URL(url)))).toBe(expected)
  })

  test.each([
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'javascript:1',
    'gopher://1.1.1.1/',
    'data:text/plain,x',
    'nonsense',
  ])('%s is not spoken here', async (url) =>
    expect((await failureOf(ask({ url }))).message).toMatch(/only http and https|this is no address/),
  )

  test('an address with a password is refused, also to a host that is listed', async () => {
    const failure = await failureOf(ask({ url: 'http://a:b@127.0.0.1:1/' }, { allow: ['127.0.0.1'] }))
    expect(failure.message).toBe('an address must not hold a user name or password')
  })
})

describe('names', () => {
  const resolver = (...answers: (readonly string[])[]): Resolve & { asked: number } => {
    const resolve = async (): Promise<readonly string[]> => {
      resolve.asked += 1
      return answers[Math.min(resolve.asked, answers.length) - 1] ?? []
    }
    resolve.asked = 0
    return resolve
  }

  test('a name of this machine is refused, by the system’s own resolver', async () => {
    const { url } = await serve(text('PRIVATE'))
    const failure = await failureOf(ask({ url: url.replace('127.0.0.1', 'localhost') }))
    expect(failure.message).toContain('is not on the public internet')
  })

  test.each([[['10.0.0.1']], [['1.1.1.1', '127.0.0.1']], [['::ffff:10.0.0.1']], [['fe80::1%lo']]])(
    'a name with the addresses %j is refused',
    async (addresses) => {
      const failure = await failureOf(ask({ url: 'http://evil.test/' }, { resolve: resolver(addresses) }))
      expect(failure.message).toContain('evil.test is not on the public internet')
    },
  )

  test('a listed name may be anywhere; a listed address is reached under any name', async () => {
    const { port, host } = await serve(text('inside'))
    const resolve = resolver(['127.0.0.1'])
    expect(await ask({ url: `http://intranet.test:${port}/` }, { allow: ['intranet.test'], resolve })).toContain(
      'inside',
    )
    expect(await ask({ url: `http://other.test:${port}/` }, { allow: [host], resolve })).toContain('inside')
  })

  test('H1: the connection goes to the address that was judged, whatever the name says a moment later', async () => {
    const listed = await serve(text('listed'))
    const other = await serve(text('PRIVATE'), '127.0.0.2', listed.port)
    const resolve = resolver(['127.0.0.1'], ['127.0.0.2'])
    const url = `http://changing.test:${listed.port}/`
    expect(await ask({ url }, { allow: [listed.host], resolve })).toContain('listed')
    expect(resolve.asked).toBe(1)
    expect(other.seen).toEqual([])
    // The same attack on a check that resolves, judges, and then connects by name.
    expect(await checkThenConnect(url, resolver(['127.0.0.1'], ['127.0.0.2']), [listed.host])).toBe('PRIVATE')
  })

  test('a name that is never resolved does not hold up an end', async () => {
    const ending = new AbortController()
    const call = ask({ url: 'http://slow.test/' }, { resolve: () => new Promise(() => {}), signal: ending.signal })
    ending.abort()
    expect((await failureOf(call)).reason).toBe('cancelled')
  })
})

/** As it is often done: the name is judged, and then the library resolves it again. */
async function checkThenConnect(url: string, resolve: Resolve, allow: readonly string[]): Promise<string> {
  const { port } = targetOf(new URL(url))
  const [address = ''] = await resolve('')
  if (!isPublic(address) && !isListed(allow, { host: hostOfAddress(address), port })) throw new Error('refused')
  const answering: typeof lookup = ((_: string, options: { all?: boolean }, done: (...said: unknown[]) => void) => {
    void (async () => {
      const [found = ''] = await resolve('')
      if (options.all === true) done(null, [{ address: found, family: isIP(found) }])
      else done(null, found, isIP(found))
    })()
  }) as never // as: only what node:http calls
  return new Promise((done) => {
    request(url, { agent: false, lookup: answering }, (response) =>
      response.on('data', (data) => done(String(data))),
    ).end()
  })
}

describe('redirects', () => {
  const leadingTo = (location: () => string, status = 302): RequestListener => {
    return (_, response) => response.writeHead(status, { location: location() }).end()
  }

  test('H2: each one is judged like the first address', async () => {
    const secret = await serve(text('PRIVATE'))
    for (const location of [
      secret.url,
      '//127.0.0.1:1/',
      'http://[::1]/',
      'http://2130706433/',
      'file:///etc/passwd',
    ]) {
      const first = await serve(leadingTo(() => location))
      const failure = await failureOf(ask({ url: first.url }, { allow: [first.host] }))
      expect(failure.message, location).toMatch(/is not on the public internet|only http and https/)
    }
    expect(secret.seen).toEqual([])
  })

  test('five are followed, a sixth is not', async () => {
    let left = 5
    const server = await serve((_, response) => {
      left -= 1
      if (left < 0) response.end('there')
      else response.writeHead(302, { location: `/${left}` }).end()
    })
    expect(await ask({ url: server.url }, { allow: [server.host] })).toContain('there')
    left = 6
    expect((await failureOf(ask({ url: server.url }, { allow: [server.host] }))).message).toContain(
      'more than 5 redirects',
    )
  })

  test('credentials stay with their host, and only 307 and 308 send a body again', async () => {
    const target = await serve(text('done'))
    for (const [status, method, body] of [
      [302, 'GET', ''],
      [307, 'POST', 'money'],
    ] as const) {
      const first = await serve(leadingTo(() => `${target.url}/moved`, status))
      const headers = { authorization: 'Bearer x', 'x-api-key': 'x', cookie: 'a=b', 'x-plain': 'y' }
      const allow = [first.host, target.host]
      await ask({ url: first.url, headers, body: 'money' }, { allow, tool: 'http_request' })
      const arrived = target.seen.at(-1)
      expect(arrived?.method).toBe(method)
      expect(Object.keys(arrived?.headers ?? {})).toContain('x-plain')
      expect(JSON.stringify(arrived?.headers)).not.toMatch(/authorization|x-api-key|cookie/)
      expect(arrived?.headers['content-length'] ?? '').toBe(body === '' ? '' : '5')
    }
  })
})

describe('requests and answers', () => {
  const one = async (answer: RequestListener, input: Record<string, unknown> = {}, asking: Asking = {}) => {
    const server = await serve(answer)
    const said = await ask({ url: server.url, ...input }, { allow: [server.host], ...asking })
    return { said: said.replaceAll(server.url, 'URL'), seen: server.seen[0], server }
  }

  test('the status, the type and the text are told', async () => {
    const { said, seen } = await one((_, response) => {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('no such thing')
    })
    expect(said).toBe('[404 from URL/, text/plain]\nno such thing')
    expect(seen?.method).toBe('GET')
  })

  test('a request has the method, headers and body of the model, and nothing of ours but a name', async () => {
    const input = { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' }
    const { seen } = await one((_, response) => response.end('ok'), input, { tool: 'http_request' })
    expect(seen?.method).toBe('PUT')
    expect(Object.keys(seen?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
    ])
  })

  test.each(['Host', 'connection', 'Transfer-Encoding', 'proxy-authorization'])(
    'the header %s is not the model’s',
    async (name) => {
      const input = { url: 'http://1.1.1.1/', headers: { [name]: 'x' } }
      expect((await failureOf(ask(input, { tool: 'http_request' }))).message).toContain('cannot be set here')
    },
  )

  test('a header that would be two is not sent', async () => {
    const server = await serve(text('x'))
    const input = { url: server.url, headers: { a: 'b\r\nhost: evil' } }
    const failure = await failureOf(ask(input, { allow: [server.host], tool: 'http_request' }))
    expect(failure.message).toContain('cannot be sent')
    expect(server.seen).toEqual([])
  })

  test('a page is given as its text, or as its source', async () => {
    const page: RequestListener = (_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1' })
        .end(Buffer.from('<h1>Caf\xe9</h1>', 'latin1'))
    }
    expect((await one(page)).said).toMatch(/\nCafé$/)
    expect((await one(page, { as: 'source' })).said).toMatch(/\n<h1>Café<\/h1>$/)
  })

  test('what is no text is told by its size', async () => {
    const { said } = await one((_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('123'))
    expect(said).toBe('[200 from URL/, image/png]\n[not text: 3 bytes]')
  })

  test.each([
    ['gzip', gzipSync('packed')],
    ['br', brotliCompressSync('packed')],
  ])('an answer in %s that nobody asked for is unpacked', async (encoding, body) => {
    const { said } = await one((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body))
    expect(said).toContain('packed')
  })

  test('a gigabyte is not read, packed or plain', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * BODY_BYTES_MAX))
    const packed = await one((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
    expect(packed.said.length).toBeLessThan(60_000)
    let sent = 0
    const endless: RequestListener = (_, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536))) sent += 65_536
      }
      response.on('drain', more)
      more()
    }
    const plain = await one(endless)
    expect(plain.said).toMatch(/\[the rest is left out\]$/)
    expect(sent).toBeLessThan(64 * BODY_BYTES_MAX)
  })

  test.each([
    ['says nothing', () => {}],
    ['drips', (_, response) => void setInterval(() => response.write('x'), 10).unref()],
    ['sends headers only', (_, response) => response.writeHead(200).flushHeaders()],
  ] as [string, RequestListener][])('a server that %s is left at the deadline', async (_, answer) => {
    const { clock } = world()
    const hasty = {
      ...world(),
      clock: { ...clock, setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms / 300) },
    }
    const failure = await failureOf(one(answer, {}, { world: hasty }))
    expect(failure).toMatchObject({
      reason: 'timeout',
      message: `the request took longer than ${FETCH_MS_MAX / 1_000} s`,
    })
  })

  test('an end closes the connection in that moment', async () => {
    const ending = new AbortController()
    const closed = Promise.withResolvers<void>()
    const answer: RequestListener = (incoming) => {
      incoming.socket.on('close', () => closed.resolve())
      ending.abort()
    }
    expect((await failureOf(one(answer, {}, { signal: ending.signal }))).reason).toBe('cancelled')
    await closed.promise
  })

  test('a server that hangs up, or is none, is a failure in words', async () => {
    const failure = await failureOf(one((incoming) => incoming.socket.destroy()))
    expect(failure.message).toMatch(/did not answer as it should \(ECONNRESET\)$/)
    const tcp = createTcpServer((socket) => socket.end('I am no web server\r\n\r\n'))
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    closing.push(() => tcp.close())
    const { port } = tcp.address() as AddressInfo // as: it listens on TCP
    const said = await failureOf(ask({ url: `http://127.0.0.1:${port}/` }, { allow: ['127.0.0.1'] }))
    expect(said.message).toContain('did not answer as it should')
  })
})

describe('the text of a page', () => {
  test.each([
    ['<p>One</p><p>Two</p>', 'One\n\nTwo'],
    ['<title>T</title><script>if (a < b) alert("x")</script>after', 'Tafter'],
    ['<head><style>a{}</style></head><body>x', 'x'],
    ['a<!-- <p>hidden</p> -->b', 'ab'],
    ['1 < 2 &amp;&lt;b&gt; &#65;&#x42; &nope;', '1 < 2 &<b> AB &nope;'],
    ['<ul><li>a</li><li>b</li></ul>', 'a\n\nb'],
    ['<table><tr><td>a</td><td>b</td></tr></table>', 'a b'],
    ['a<br/>b', 'a\nb'],
    ['<script>never closed', ''],
    ['<', '<'],
  ])('%j reads %j', (html, expected) => expect(htmlText(html)).toBe(expected))

  test.each(['<', '<a', '<script>', '<!--', '<p>', '</script', '&', '&#', '<a href="'])(
    'a megabyte of %j is no burden',
    (piece) => {
      const began = process.cpuUsage()
      htmlText(piece.repeat(1_000_000 / piece.length))
      // The processor's time: the machine may be busy.
      expect(process.cpuUsage(began).user).toBeLessThan(1_500_000)
    },
  )
})
