// Channels: the roll call, live, and the operator's hand on each channel; without a channel picked, what needs a hand at all.

import { byId, el, setAttribute, setChildren, setText } from './dom.js'
import { retryButton } from './entries.js'
import { approvePairing, control, deadLetters, pairings, revokePairing, sessions } from './gateway.js'
import { arrowsMoveFocus, createRollCall } from './roll-call.js'
import { hrefTo, keepLooking, report } from './shell.js'
import { age, count, encodedId, sessionParts } from './words.js'

const SESSIONS_SHOWN = 6
/** How old the sessions of a channel may be on the page. */
const RECENT_MS = 20_000

export class ChannelsView {
  #visible = false
  #id = null
  #report = null
  #recentAsked = { id: null, at: 0, found: null }
  #records = { letters: [], pairs: [], recent: [] }
  #rollCall = createRollCall({ list: byId('roll-call'), hrefOf: ({ id }) => hrefTo('channels', id) })
  #parts = detailParts()
  #look

  constructor() {
    arrowsMoveFocus(byId('roll-call'))
    byId('channel-detail').append(...this.#parts.elements)
    for (const verb of ['pause', 'resume', 'reconnect']) {
      this.#parts[verb].addEventListener('click', () => this.#control(verb))
    }
    this.#look = keepLooking(() => this.#loadRecords(), { ms: 4_000, wanted: () => this.#visible })
  }

  show([id = null]) {
    this.#visible = true
    if (id !== this.#id) this.#records = { ...this.#records, recent: [] }
    this.#id = id
    this.#draw()
    void this.#look()
  }

  hide() {
    this.#visible = false
  }

  back() {
    if (this.#visible) void this.#look()
  }

  report(next) {
    this.#report = next
    this.#draw()
  }

  async #loadRecords() {
    const id = this.#id
    const [letters, pairs, found] = await Promise.all([deadLetters(), pairings(), this.#recent(id)])
    const isOf = ({ channel }) => id === null || channel === id
    this.#records = {
      letters: letters.dead_letters.filter(isOf),
      pairs: pairs.pairings.filter(isOf),
      recent: found.sessions.filter(isOf).slice(0, SESSIONS_SHOWN),
    }
    this.#draw()
  }

  /** Not each time: of a channel that nobody writes to the gateway looks through all sessions. */
  async #recent(id) {
    if (id === null) return { sessions: [] }
    if (this.#recentAsked.id !== id || Date.now() > this.#recentAsked.at + RECENT_MS) {
      this.#recentAsked = { id, at: Date.now(), found: sessions({ search: `${encodeURIComponent(id)}/`, limit: 50 }) }
    }
    return this.#recentAsked.found
  }

  async #control(verb) {
    const button = this.#parts[verb]
    button.disabled = true
    try {
      await control(this.#id, verb)
    } catch (problem) {
      report(problem)
    }
    // The next report says what came of it.
    setTimeout(() => this.#draw(), 1_500)
  }

  #draw() {
    if (this.#report === null) return
    const { channels } = this.#report
    const live = channels.filter(({ state }) => state === 'live').length
    this.#rollCall.show(channels, this.#id)
    setText(byId('roll-count'), `${live} of ${channels.length} live`)
    const channel = channels.find(({ id }) => id === this.#id)
    if (this.#id !== null && channel === undefined) return this.#drawUnknown()
    if (channel === undefined) this.#drawOverview({ channels, live })
    else this.#drawChannel(channel)
    this.#drawRecords()
  }

  #drawUnknown() {
    setText(this.#parts.title, this.#id)
    setText(this.#parts.facts, 'There is no such channel in the configuration that runs.')
    for (const part of ['state', 'reason', 'actions', 'needs', 'numbers']) this.#parts[part].hidden = true
  }

  #drawOverview({ channels, live }) {
    const { parts } = { parts: this.#parts }
    const { sessions: counts, outbox, version, uptime_s: uptime } = this.#report
    setText(parts.title, `${live} of ${channels.length} channels live`)
    setText(parts.facts, `Troupe ${version}, running for ${age(Date.now() - uptime * 1_000)}`)
    for (const part of ['state', 'reason', 'actions']) parts[part].hidden = true
    for (const part of ['needs', 'numbers']) parts[part].hidden = false
    const failing = channels.filter(({ state }) => state !== 'live')
    const { letters, pairs } = this.#records
    const waiting = pairs.filter(({ code }) => code !== null)
    const needs = [
      ...failing.map((channel) =>
        needOf(`${channel.id} is ${channel.state}`, channel.reason ?? '', hrefTo('channels', channel.id)),
      ),
      ...(waiting.length > 0
        ? [needOf(`${count(waiting.length, 'person', 'people')} would like to be let in`, '', null)]
        : []),
      ...(letters.length > 0 ? [needOf(count(letters.length, 'dead letter'), 'see below', null)] : []),
    ]
    parts.needs.replaceChildren(
      ...(needs.length > 0 ? needs : [el('li', { class: 'soft', text: 'Nothing needs a hand.' })]),
    )
    numbers(parts.numbers, {
      'sessions idle': counts.idle,
      pending: counts.pending,
      running: counts.running,
      passivated: counts.passivated,
      'messages waiting': counts.queued_messages,
      'replies to deliver': outbox,
    })
  }

  #drawChannel({ id, platform, agent, state, reason, since }) {
    const parts = this.#parts
    setText(parts.title, id)
    setText(parts.facts, `${agent} on ${platform} · ${state} for ${age(since)}`)
    for (const part of ['needs', 'numbers']) parts[part].hidden = true
    for (const part of ['state', 'actions']) parts[part].hidden = false
    setText(parts.state, state)
    setAttribute(parts.state, 'data-state', state)
    parts.reason.hidden = reason === null
    setText(parts.reason, reason ?? '')
    parts.pause.disabled = state === 'paused' || state === 'stopped'
    parts.resume.disabled = state !== 'paused'
    parts.reconnect.disabled = state === 'paused' || state === 'stopped'
    parts.chat.hidden = platform !== 'web'
    setAttribute(parts.chat, 'href', hrefTo('chat', id))
    setAttribute(parts.chart, 'href', hrefTo('actors', encodedId(`channel:${id}`)))
  }

  #drawRecords() {
    const { letters, pairs, recent } = this.#records
    const { parts } = { parts: this.#parts }
    const again = () => void this.#look()
    section(parts.recent, recent.map(sessionItem))
    section(
      parts.pairs,
      pairs.map((pairing) => pairingItem(pairing, again)),
    )
    section(
      parts.letters,
      letters.map((letter) => letterItem(letter, again)),
    )
  }
}

function detailParts() {
  const button = (text) => el('button', { class: 'quiet', type: 'button', text })
  const parts = {
    title: el('h2'),
    facts: el('p', { class: 'soft' }),
    state: el('span', { class: 'pill', role: 'status' }),
    reason: el('p', { class: 'reason-box' }),
    pause: button('Pause'),
    resume: button('Resume'),
    reconnect: button('Reconnect'),
    chat: el('a', { class: 'quiet', text: 'Chat' }),
    chart: el('a', { class: 'quiet', text: 'Statechart' }),
    needs: el('ul', { class: 'needs' }),
    numbers: el('dl', { class: 'numbers' }),
    recent: sectionOf('Sessions'),
    pairs: sectionOf('People'),
    letters: sectionOf('Dead letters'),
  }
  parts.actions = el('div', { class: 'actions' }, parts.pause, parts.resume, parts.reconnect, parts.chat, parts.chart)
  const back = el('a', { class: 'back quiet', href: hrefTo('channels'), text: 'Channels', 'data-back': true })
  const head = el(
    'header',
    { class: 'detail-head' },
    back,
    el('div', { class: 'title' }, parts.title, parts.facts),
    parts.state,
    parts.actions,
  )
  const sections = [parts.recent, parts.pairs, parts.letters].map(({ element }) => element)
  return {
    ...parts,
    elements: [head, el('div', { class: 'sheet' }, parts.reason, parts.needs, parts.numbers, ...sections)],
  }
}

function sectionOf(title) {
  const list = el('ul', { class: 'items' })
  const element = el('section', { hidden: true }, el('h3', { text: title }), list)
  return { element, list, items: new Map() }
}

/** Items are kept as long as they say the same, so that a button that is about to be pressed stays where it is. */
function section({ element, list, items }, wanted) {
  element.hidden = wanted.length === 0
  const shown = wanted.map(({ says, draw }) => items.get(says) ?? draw())
  items.clear()
  wanted.forEach(({ says }, index) => items.set(says, shown[index]))
  setChildren(list, shown)
}

function sessionItem({ key, state, agent, updated_at: at }) {
  const words = sessionParts(key).slice(1).join(' / ')
  const draw = () =>
    el(
      'li',
      {},
      el('a', { href: hrefTo('sessions', key), text: words }),
      el('span', { class: 'soft', text: `${agent} · ${state} · ${age(at)} ago` }),
    )
  return { says: JSON.stringify([key, state, age(at)]), draw }
}

function pairingItem({ channel, user, name, code, at }, again) {
  const who = name === null ? user : `${name} (${user})`
  const draw = () => {
    const act = code === null ? () => revokePairing(channel, user) : () => approvePairing(code)
    const button = el('button', { class: 'quiet small', type: 'button', text: code === null ? 'Revoke' : 'Let in' })
    button.addEventListener('click', () => {
      button.disabled = true
      act().catch(report).finally(again)
    })
    const facts = code === null ? `may write to ${channel}` : `asked ${channel} ${age(at)} ago, code ${code}`
    return el('li', {}, el('b', { text: who }), el('span', { class: 'soft', text: facts }), button)
  }
  return { says: JSON.stringify([channel, user, code, age(at)]), draw }
}

function letterItem(letter, again) {
  const { id, kind, channel, conversation, text, reason, at } = letter
  const draw = () =>
    el(
      'li',
      { class: 'letter' },
      el('b', { text: kind === 'reply' ? 'reply' : 'message' }),
      el('span', { class: 'soft', text: `${channel}, ${conversation} · ${age(at)} ago` }),
      retryButton({ id }, again),
      el('p', { class: 'quoted', text }),
      el('p', { class: 'reason', text: reason }),
    )
  return { says: JSON.stringify([id, age(at)]), draw }
}

function needOf(what, why, href) {
  const name = href === null ? el('b', { text: what }) : el('a', { href, text: what })
  return el('li', {}, name, why === '' ? null : el('span', { class: 'soft', text: why }))
}

function numbers(box, all) {
  setChildren(
    box,
    Object.entries(all).map(([name, value]) => {
      const known = [...box.children].find((row) => row.dataset.name === name)
      const row = known ?? el('div', { 'data-name': name }, el('dd'), el('dt', { text: name }))
      setText(row.querySelector('dd'), String(value))
      return row
    }),
  )
}
