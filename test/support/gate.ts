// Gate: a port of 127.0.0.1 with a server behind it that a test can shut (nothing listens there any more) and open again.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { whenDone } from './scenario.ts'

export interface Gate {
  readonly url: string
  shut(): Promise<void>
  open(): Promise<void>
}

/** An open gate before `target`, an http:// address. */
export async function openGate(target: string): Promise<Gate> {
  const { hostname, port: behind } = new URL(target)
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let port = 0

  async function open(): Promise<void> {
    const opened = createServer((near) => {
      const far = connect(Number(behind), hostname)
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          sockets.delete(socket)
          other.destroy()
        })
        socket.pipe(other)
      }
    })
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject)
      opened.listen(port, '127.0.0.1', resolve)
    })
    const address = opened.address()
    if (address === null || typeof address === 'string') throw new Error('the gate has no port')
    port = address.port
    server = opened
  }

  async function shut(): Promise<void> {
    const closing = server
    server = null
    if (closing === null) return
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await open()
  whenDone(shut)
  return { url: `http://127.0.0.1:${port}`, open, shut }
}
