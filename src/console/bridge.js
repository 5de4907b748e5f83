// Bridge: joins the relay to the Stately inspector in the frame, and lists the actors as text, which works offline.
// The frame gets a connection of its own, begun when it says that it is ready: so the relay's replay reaches it whole, and
// this page keeps no message. When the gateway comes back after a loss the frame is loaded again: actors have new numbers.

/** A page that has not spoken by then is not there, as a rule because there is no internet. */
const STATELY_MS_MAX = 8_000

const RECONNECT_MS_MIN = 500
const RECONNECT_MS_MAX = 5_000

/** Rows that are drawn; a list that nobody reads to its end should not slow the page. */
const ROWS_MAX = 500

const byId = (id) => document.getElementById(id)

const { page } = await readView()
listActors()
showStately()

/** What is watched may change while the page is open: whoever listened is sent away then and comes again. */
async function readView() {
  const view = await (await fetch('/view.json')).json()
  byId('watch').textContent =
    `Watching ${view.watch}. Message texts are ${view.texts ? 'shown' : 'hidden; troupe inspect --texts shows them'}.`
  return view
}

// --- the list -----------------------------------------------------------------------------------------------------------

function listActors() {
  const actors = new Map()
  let drawing = false
  const draw = () => {
    if (drawing) return
    drawing = true
    requestAnimationFrame(() => {
      drawing = false
      drawActors(actors)
    })
  }
  listen({
    opened() {
      actors.clear()
      // The gateway went again at once: the next connection asks again.
      readView().catch(() => {})
      say('connection', 'Connected.', '')
      draw()
    },
    heard(message) {
      keep(actors, message)
      draw()
    },
    lost() {
      say('connection', 'The gateway does not answer; trying again. The list is how it was.', 'lost')
    },
  })
}

function keep(actors, { type, sessionId, name, parentId, snapshot, event }) {
  if (type === '@xstate.actor') actors.set(sessionId, { name, parentId, state: stateOf(snapshot), event: '' })
  const actor = actors.get(sessionId)
  if (actor === undefined) return
  if (type === '@xstate.event') actor.event = event.type
  if (type !== '@xstate.snapshot') return
  actor.state = stateOf(snapshot)
  if (snapshot.status !== 'active') actors.delete(sessionId)
}

function stateOf({ status, value }) {
  return value === undefined || status !== 'active' ? status : pathOf(value)
}

/** `{ pending: { gathering: 'quiet' } }` is pending.gathering.quiet. */
function pathOf(value) {
  if (typeof value === 'string') return value
  return Object.entries(value)
    .map(([state, below]) => (Object.keys(below).length === 0 ? state : `${state}.${pathOf(below)}`))
    .join(', ')
}

function drawActors(actors) {
  const rows = inTreeOrder(actors)
  const list = byId('actors')
  const shown = rows.slice(0, ROWS_MAX)
  while (list.children.length > shown.length) list.lastElementChild.remove()
  while (list.children.length < shown.length) list.append(emptyRow())
  for (const [index, { actor, depth }] of shown.entries()) fillRow(list.children[index], actor, depth)
  byId('count').textContent = `(${rows.length})`
  const left = rows.length - shown.length
  byId('left-out').hidden = left === 0
  byId('left-out').textContent = `and ${left} more; troupe inspect CHANNEL or session:KEY watches fewer.`
}

function inTreeOrder(actors) {
  const children = new Map()
  for (const [id, actor] of actors) {
    const above = actors.has(actor.parentId) ? actor.parentId : null
    if (!children.has(above)) children.set(above, [])
    children.get(above).push(id)
  }
  const rows = []
  const walk = (above, depth) => {
    for (const id of children.get(above) ?? []) {
      rows.push({ actor: actors.get(id), depth })
      walk(id, depth + 1)
    }
  }
  walk(null, 0)
  return rows
}

function emptyRow() {
  const row = document.createElement('li')
  for (const part of ['name', 'state', 'event']) {
    const span = document.createElement('span')
    span.className = part
    row.append(span)
  }
  return row
}

function fillRow(row, actor, depth) {
  row.style.setProperty('--depth', String(depth))
  for (const [index, text] of [actor.name, actor.state, actor.event].entries()) {
    if (row.children[index].textContent !== text) row.children[index].textContent = text
  }
}

// --- the frame ----------------------------------------------------------------------------------------------------------

function showStately() {
  const frame = byId('frame')
  const { origin } = new URL(page)
  let end = () => {}
  let waiting = 0

  function load() {
    end()
    byId('stage').className = 'waiting'
    clearTimeout(waiting)
    waiting = setTimeout(() => {
      const sentence = `The Stately inspector at ${page} cannot be reached. It is a page on the internet; the list of actors on this page works without it.`
      say('stately', sentence, '')
    }, STATELY_MS_MAX)
    frame.src = page
  }

  addEventListener('message', (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin) return
    if (event.data?.type !== '@statelyai.connected') return
    clearTimeout(waiting)
    byId('stage').className = ''
    end()
    let before = false
    end = listen({
      opened() {
        if (before) load()
        before = true
      },
      heard: (message) => frame.contentWindow.postMessage(message, origin),
      lost() {},
    })
  })
  load()
}

function say(id, sentence, className) {
  byId(id).textContent = sentence
  byId(id).className = className
}

// --- the relay ----------------------------------------------------------------------------------------------------------

/** Listens until the function that it returns is called; connects again by itself. */
function listen({ opened, heard, lost }) {
  let ended = false
  let waitMs = RECONNECT_MS_MIN
  let socket
  const connect = () => {
    if (ended) return
    socket = new WebSocket(`ws://${location.host}/`)
    socket.addEventListener('open', () => {
      waitMs = RECONNECT_MS_MIN
      opened()
    })
    socket.addEventListener('message', ({ data }) => {
      if (!ended) heard(JSON.parse(data))
    })
    socket.addEventListener('close', () => {
      if (ended) return
      lost()
      setTimeout(connect, waitMs)
      waitMs = Math.min(2 * waitMs, RECONNECT_MS_MAX)
    })
  }
  connect()
  return () => {
    ended = true
    socket?.close()
  }
}
