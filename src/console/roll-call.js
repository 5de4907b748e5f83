// Roll call: every channel of the file with its state and reason, and the gateway's own numbers.
// Elements are kept from one report to the next, so that focus and selection stay where they are.

const STATE_WORDS = {
  connecting: 'connecting',
  live: 'live',
  retrying: 'retrying',
  failed: 'failed',
  paused: 'paused',
  stopped: 'stopped',
}

export function createRollCall({ list, liveCount, gatewayState, counts, onPick }) {
  const rows = new Map()

  const rowOf = (channel) => {
    const known = rows.get(channel.id)
    if (known !== undefined) return known
    const item = document.createElement('li')
    // Only a web channel can be talked to from here.
    const face = document.createElement(channel.platform === 'web' ? 'button' : 'div')
    if (channel.platform === 'web') {
      face.type = 'button'
      face.addEventListener('click', () => onPick(channel.id))
    }
    face.className = 'channel'
    const row = { item, face, name: part('name'), state: part('state'), detail: part('detail'), reason: part('reason') }
    face.append(row.name, row.state, row.detail, row.reason)
    item.append(face)
    item.dataset.channel = channel.id
    rows.set(channel.id, row)
    return row
  }

  return {
    /** Draws a report; `picked` is the id of the channel on the page. */
    show(report, picked) {
      const wanted = report.channels.map((channel) => {
        const row = rowOf(channel)
        row.item.dataset.state = channel.state
        setText(row.name, channel.id)
        setText(row.state, STATE_WORDS[channel.state] ?? channel.state)
        setText(row.detail, channel.agent === channel.id ? channel.platform : `${channel.agent} on ${channel.platform}`)
        setText(row.reason, channel.reason ?? '')
        if (channel.id === picked) row.face.setAttribute('aria-current', 'true')
        else row.face.removeAttribute('aria-current')
        return row.item
      })
      if (wanted.length !== list.children.length || wanted.some((item, i) => list.children[i] !== item)) {
        list.replaceChildren(...wanted)
      }
      const live = report.channels.filter((channel) => channel.state === 'live').length
      setText(liveCount, `${live} of ${report.channels.length} channels live`)
      setText(gatewayState, report.state)
      gatewayState.dataset.state = report.state
      showCounts(counts, report)
    },

    /** Nobody answers: the last report stays, marked as old. */
    lost() {
      setText(gatewayState, 'not reachable')
      gatewayState.dataset.state = 'lost'
    },
  }
}

function showCounts(box, { sessions, outbox, dead_letters: deadLetters, version }) {
  const numbers = {
    'sessions idle': sessions.idle,
    'sessions pending': sessions.pending,
    'sessions running': sessions.running,
    'messages waiting': sessions.queued_messages,
    'replies to deliver': outbox,
    'dead letters': deadLetters,
    version,
  }
  box.replaceChildren(
    ...Object.entries(numbers).map(([name, value]) => {
      const row = document.createElement('div')
      const term = document.createElement('dt')
      const definition = document.createElement('dd')
      term.textContent = name
      definition.textContent = String(value)
      row.append(term, definition)
      return row
    }),
  )
}

function part(name) {
  const element = document.createElement('span')
  element.className = name
  return element
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}
