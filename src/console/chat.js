// Chat: talk to a web channel. Owns which channel and conversation are shown, and as whom; beside it the chart of its session.

import { Attached } from './attached.js'
import { byId, setAttribute, setText } from './dom.js'
import { openConversation, post } from './gateway.js'
import { arrowsMoveFocus, createRollCall } from './roll-call.js'
import { askForToken, go, hrefTo, remembered } from './shell.js'
import { follow } from './stream.js'
import { Thread } from './thread.js'
import { Watcher } from './watcher.js'
import { placeOfSession } from './words.js'

const STATES = ['idle', 'pending', 'running']
/** Only there is room for a chart beside the conversation; as in shell.css. */
const WIDE = matchMedia('(min-width: 85rem)')

export class ChatView {
  #thread = new Thread({ box: byId('thread'), list: byId('messages'), newest: byId('newest') })
  #rollCall = createRollCall({ list: byId('channels'), hrefOf: ({ id }) => hrefTo('chat', id) })
  #watcher = new Watcher({ box: byId('chat-chart'), manner: 'chart' })
  #attached = new Attached({
    list: byId('attached'),
    button: byId('attach'),
    input: byId('files'),
    area: byId('view-chat'),
    field: byId('text'),
    refuse: (why) => notice(why),
  })
  /** By channel: what is written there and not sent. */
  #drafts = new Map()
  /** Session keys and their states: in a conversation of several people there may be more than one. */
  #sessions = new Map()
  #web = []
  #place = null
  #wanted = null
  #visible = false
  #stopFollowing = () => {}

  constructor() {
    arrowsMoveFocus(byId('channels'))
    this.#listenToComposer()
    this.#listenToDialog()
    byId('show-chart').addEventListener('click', () => {
      remembered.set('chart', isChartWanted() ? 'hidden' : 'shown')
      this.#watch()
    })
    byId('stop').addEventListener('click', () => void this.#send('/stop'))
    WIDE.addEventListener('change', () => this.#watch())
  }

  show([channel]) {
    this.#visible = true
    this.#wanted = channel ?? null
    this.#openWanted()
    this.#watch()
  }

  hide() {
    this.#visible = false
    this.#watcher.leave()
  }

  report({ channels }) {
    this.#web = channels.filter(({ platform }) => platform === 'web')
    this.#rollCall.show(this.#web, this.#place?.channel)
    this.#openWanted()
    if (this.#place === null) this.#openFirst()
  }

  // --- which conversation ---

  #openWanted() {
    if (this.#wanted !== null && this.#web.some(({ id }) => id === this.#wanted)) this.#pick(this.#wanted)
  }

  /** The channel of last time, or the first that can be talked to. */
  #openFirst() {
    const last = this.#web.find((channel) => channel.id === remembered.get('channel'))
    const first = last ?? this.#web.find((channel) => channel.state === 'live') ?? this.#web[0]
    if (first !== undefined) this.#pick(first.id)
    else this.#thread.greet('No channel of this gateway can be reached from here: add one with "platform: web".')
  }

  #pick(channel) {
    if (this.#place?.channel === channel) return
    const conversation = remembered.get(`conversation.${channel}`) ?? `console-${randomName()}`
    this.#open({ channel, conversation, user: remembered.get('user') ?? 'console' })
  }

  /** Shows a conversation from its beginning and keeps following it. */
  #open(next) {
    if (this.#place !== null)
      this.#drafts.set(this.#place.channel, { text: byId('text').value, files: this.#attached.files })
    this.#stopFollowing()
    this.#place = next
    const { channel, conversation, user } = next
    remembered.set('channel', channel)
    remembered.set(`conversation.${channel}`, conversation)
    remembered.set('user', user)
    setText(byId('channel-name'), channel)
    setText(byId('conversation-name'), `${conversation} · as ${user}`)
    for (const id of ['open-conversation', 'session', 'show-chart']) byId(id).hidden = false
    for (const id of ['attach', 'text', 'send']) byId(id).disabled = false
    byId('text').placeholder = `Write to ${channel}`
    const { text, files } = this.#drafts.get(channel) ?? { text: '', files: [] }
    byId('text').value = text
    this.#attached.show(files)
    grow()
    this.#thread.clear()
    this.#sessions.clear()
    this.#showSession()
    notice(null)
    this.#rollCall.show(this.#web, channel)
    this.#stopFollowing = follow({
      open: openConversation(channel, conversation),
      onEvent: (name, data) => this.#onEvent(name, data),
      onOpen: () => this.#onOpen(),
      onLost: (problem) => this.#onLost(problem),
    })
    this.#watch()
  }

  // --- what happens in it ---

  #onOpen() {
    this.#sessions.clear()
    this.#showSession()
    this.#thread.restart()
    notice(null)
    if (byId('messages').childElementCount === 0) this.#thread.greet('Nothing has been said here yet.')
  }

  #onEvent(name, data) {
    if (name === 'message') this.#thread.message(data)
    else if (name === 'delta') this.#thread.delta(data)
    else if (name === 'state') {
      this.#sessions.set(data.session, data.state)
      this.#showSession()
      this.#thread.state(this.#busiest())
      this.#watch()
    }
  }

  #onLost(problem) {
    if (problem?.status === 401) return askForToken(problem)
    if (problem?.code === 'not_live') return notice(this.#notLiveWords())
    if (problem === null || problem.status === 0)
      return notice('The connection was lost. Trying again; nothing that was sent is gone.')
    notice(`${problem.message} Trying again.`)
  }

  #notLiveWords() {
    const channel = this.#web.find((candidate) => candidate.id === this.#place.channel)
    const reason = channel?.reason ? `: ${channel.reason}` : ''
    return `This channel is ${channel?.state ?? 'not live'}${reason}. The conversation continues when it is live again.`
  }

  #busiest() {
    const present = new Set(this.#sessions.values())
    return STATES.findLast((state) => present.has(state)) ?? 'idle'
  }

  #showSession() {
    const now = this.#busiest()
    for (const step of byId('session').children) step.toggleAttribute('data-now', step.dataset.state === now)
    byId('stop').hidden = now === 'idle'
    setText(byId('session-words'), `Session ${now}`)
  }

  /** The session that spoke last, or the one that this conversation would have. */
  #watch() {
    const beside = this.#place !== null && isChartWanted()
    setAttribute(byId('show-chart'), 'aria-pressed', String(isChartWanted()))
    byId('view-chat').classList.toggle('with-chart', beside)
    if (!beside || !this.#visible || !WIDE.matches) return this.#watcher.leave()
    const { channel, conversation } = this.#place
    const key = [...this.#sessions.keys()].at(-1) ?? [channel, conversation].map(encodeURIComponent).join('/')
    this.#watcher.watch(placeOfSession(key))
  }

  // --- what is said ---

  async #send(text, files = []) {
    const { channel, conversation, user } = this.#place
    // The same id at every try: what arrived although nobody said so is not said twice.
    const message = { conversation, user, text, message_id: randomName() + randomName() }
    const bubble = this.#thread.sending({ text, files: files.map(({ name }) => name) })
    const attempt = () =>
      post(channel, message, files).catch((problem) => {
        bubble.failed(`Not sent. ${problem.message}`, attempt)
        if (problem.status === 401) askForToken(problem)
      })
    await attempt()
  }

  #listenToComposer() {
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault()
      const text = byId('text').value
      const { files } = this.#attached
      if (this.#place === null || (text.trim() === '' && files.length === 0)) return
      byId('text').value = ''
      this.#attached.show([])
      grow()
      void this.#send(text, files)
    })
    byId('text').addEventListener('input', grow)
    byId('text').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      byId('composer').requestSubmit()
    })
  }

  #listenToDialog() {
    byId('open-conversation').addEventListener('click', () => {
      byId('user').value = this.#place.user
      byId('conversation').value = this.#place.conversation
      byId('conversation-dialog').showModal()
    })
    byId('new-conversation').addEventListener('click', () => {
      byId('conversation').value = `console-${randomName()}`
      byId('conversation-form').requestSubmit()
    })
    byId('conversation-form').addEventListener('submit', (event) => {
      event.preventDefault()
      byId('conversation-dialog').close()
      this.#open({ ...this.#place, user: byId('user').value.trim(), conversation: byId('conversation').value.trim() })
      go('chat', this.#place.channel)
      byId('text').focus()
    })
  }
}

const isChartWanted = () => remembered.get('chart') !== 'hidden'

function notice(words) {
  byId('notice').hidden = words === null
  setText(byId('notice'), words ?? '')
}

/** The field is as high as its text, up to a third of the page. */
function grow() {
  const field = byId('text')
  field.style.height = 'auto'
  field.style.height = `${field.scrollHeight + 2}px`
}

/** Ten characters; crypto.randomUUID is not there on a page that came by plain HTTP from another machine. */
function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => (byte % 36).toString(36)).join('')
}
