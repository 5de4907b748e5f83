// Stream: follows what happens somewhere, comes back by itself, and never asks twice for what it was shown.
// fetch and not EventSource: a header can carry the token, and a refusal can be read.

const RETRY_MS = [500, 1_000, 2_000, 4_000]
/** The server gives a sign of life every 15 s; three missed ones are a dead connection. */
const SILENCE_MS_MAX = 45_000

/**
 * `open` asks for the events, after the last one that came. Calls `onEvent(name, data)` for each event, `onOpen()` at each connection and `onLost(problem)` when there is none;
 * `problem` is null when the connection just ended. Returns a function that ends it.
 */
export function follow({ open, onEvent, onOpen, onLost }) {
  const leaving = new AbortController()
  let lastEventId = null
  let failures = 0

  const connectOnce = async () => {
    const connection = new AbortController()
    const end = () => connection.abort()
    leaving.signal.addEventListener('abort', end)
    let silence = setTimeout(end, SILENCE_MS_MAX)
    try {
      const response = await open({ lastEventId, signal: connection.signal })
      failures = 0
      onOpen()
      for await (const event of frames(response.body)) {
        clearTimeout(silence)
        silence = setTimeout(end, SILENCE_MS_MAX)
        if (leaving.signal.aborted) return
        if (event.id !== null) lastEventId = event.id
        if (event.name !== null) onEvent(event.name, JSON.parse(event.data))
      }
    } finally {
      clearTimeout(silence)
      leaving.signal.removeEventListener('abort', end)
    }
  }

  const keepConnected = async () => {
    while (!leaving.signal.aborted) {
      const problem = await connectOnce().then(
        () => null,
        (error) => error,
      )
      if (leaving.signal.aborted) return
      onLost(typeof problem?.status === 'number' ? problem : null)
      await pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)], leaving.signal)
    }
  }
  void keepConnected()
  return () => leaving.abort()
}

/** The blocks of an event stream; a comment comes as one without a name. */
async function* frames(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const blocks = (rest + read.value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) yield frame(block)
  }
}

function frame(block) {
  const found = { name: null, id: null, data: '' }
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) found.name = line.slice(7)
    else if (line.startsWith('id: ')) found.id = line.slice(4)
    else if (line.startsWith('data: ')) found.data += line.slice(6)
  }
  return found
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
