// Heap: what a gateway's heap holds once its garbage is collected, asked through Node's own inspector. Garbage says nothing
// of a leak, and a process that rests does not collect it.

import type { GatewayProcess } from './gateway-process.ts'

/** For the environment of a gateway whose heap is asked for. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

export async function heldHeapBytes(gateway: GatewayProcess): Promise<number> {
  const [, address = ''] = await gateway.prints(/Debugger listening on (ws:\/\/\S+)/)
  const socket = new WebSocket(address)
  const opened = Promise.withResolvers<unknown>()
  socket.addEventListener('open', opened.resolve)
  socket.addEventListener('error', opened.reject)
  await opened.promise
  let last = 0
  const ask = (method: string): Promise<{ usedSize?: number }> => {
    const id = ++last
    return new Promise((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: { usedSize?: number } } // as: the protocol's form
        if (answer.id === id) resolve(answer.result ?? {})
      })
      socket.send(JSON.stringify({ id, method }))
    })
  }
  // Finalizers of the first collection free what the second one takes.
  await ask('HeapProfiler.collectGarbage')
  await ask('HeapProfiler.collectGarbage')
  const { usedSize } = await ask('Runtime.getHeapUsage')
  socket.close()
  if (usedSize === undefined) throw new Error('the inspector did not say how much is used')
  return usedSize
}
