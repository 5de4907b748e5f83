// Console: puts the page together. Owns which channel and conversation are shown, and as whom.

import { hasToken, keepToken, post, status } from './gateway.js'
import { createRollCall } from './roll-call.js'
import { follow } from './stream.js'
import { Thread } from './thread.js'

const REFRESH_MS = 2_000
const STATES = ['idle', 'pending', 'running']

const $ = (id) => document.getElementById(id)
const remembered = {
  get: (key) => localStorage.getItem(`troupe.${key}`),
  set: (key, value) => localStorage.setItem(`troupe.${key}`, value),
}

const thread = new Thread({ box: $('thread'), list: $('messages'), newest: $('newest') })
const rollCall = createRollCall({
  list: $('channels'),
  liveCount: $('live-count'),
  gatewayState: $('gateway-state'),
  counts: $('counts'),
  onPick: (id) => {
    pick(id)
    showRollCall('away')
    $('text').focus()
  },
})

let report = null
let place = null
let stopFollowing = () => {}
/** Session keys and their states: in a conversation of several people there may be more than one. */
const sessions = new Map()
const drafts = new Map()

function pick(channel) {
  const conversation = remembered.get(`conversation.${channel}`) ?? `console-${randomName()}`
  open({ channel, conversation, user: remembered.get('user') ?? 'console' })
}

/** Shows a conversation from its beginning and keeps following it. */
function open(next) {
  if (place !== null) drafts.set(place.channel, $('text').value)
  stopFollowing()
  place = next
  remembered.set('channel', place.channel)
  remembered.set(`conversation.${place.channel}`, place.conversation)
  remembered.set('user', place.user)
  $('channel-name').textContent = place.channel
  $('conversation-name').textContent = `${place.conversation} · as ${place.user}`
  document.title = `${place.channel} · Troupe`
  for (const id of ['open-conversation', 'session']) $(id).hidden = false
  for (const id of ['text', 'send']) $(id).disabled = false
  $('text').placeholder = `Write to ${place.channel}`
  $('text').value = drafts.get(place.channel) ?? ''
  grow()
  thread.clear()
  showSession()
  notice(null)
  if (report !== null) rollCall.show(report, place.channel)
  stopFollowing = follow({ ...place, onEvent, onOpen, onLost })
}

function onOpen() {
  sessions.clear()
  showSession()
  thread.restart()
  notice(null)
  if ($('messages').childElementCount === 0) thread.greet('Nothing has been said here yet.')
}

function onEvent(name, data) {
  if (name === 'message') thread.message(data)
  else if (name === 'delta') thread.delta(data)
  else if (name === 'state') {
    sessions.set(data.session, data.state)
    showSession()
    thread.state(busiest())
  }
}

function onLost(problem) {
  if (problem?.status === 401) return askForToken(problem)
  if (problem?.code === 'not_live') return notice(notLiveWords())
  if (problem === null || problem.status === 0)
    return notice('The connection was lost. Trying again; nothing that was sent is gone.')
  notice(`${problem.message} Trying again.`)
}

function notLiveWords() {
  const channel = report?.channels.find((candidate) => candidate.id === place.channel)
  const reason = channel?.reason ? `: ${channel.reason}` : ''
  return `This channel is ${channel?.state ?? 'not live'}${reason}. The conversation continues when it is live again.`
}

function busiest() {
  const present = new Set(sessions.values())
  return STATES.findLast((state) => present.has(state)) ?? 'idle'
}

function showSession() {
  const now = busiest()
  for (const step of $('session').children) step.toggleAttribute('data-now', step.dataset.state === now)
  const words = place === null ? '' : `Session ${now}`
  if ($('session-words').textContent !== words) $('session-words').textContent = words
}

async function send(text) {
  const { channel, conversation, user } = place
  // The same id at every try: what arrived although nobody said so is not said twice.
  const message = { conversation, user, text, message_id: randomName() + randomName() }
  const bubble = thread.sending(text)
  const attempt = () =>
    post(channel, message).catch((problem) => {
      bubble.failed(`Not sent. ${problem.message}`, attempt)
      if (problem.status === 401) askForToken(problem)
    })
  await attempt()
}

async function refresh() {
  try {
    report = await status()
    rollCall.show(report, place?.channel)
    if (place === null) pickFirst()
  } catch (problem) {
    if (problem.status === 401) askForToken(problem)
    else rollCall.lost()
  }
}

/** The channel of last time, or the first that can be talked to. */
function pickFirst() {
  const web = report.channels.filter((channel) => channel.platform === 'web')
  const last = web.find((channel) => channel.id === remembered.get('channel'))
  const first = last ?? web.find((channel) => channel.state === 'live') ?? web[0]
  if (first !== undefined) pick(first.id)
  else thread.greet('No channel of this gateway can be reached from here: add one with "platform: web".')
}

async function keepFresh() {
  let wake = () => {}
  document.addEventListener('visibilitychange', () => wake())
  for (;;) {
    if (document.visibilityState === 'visible') await refresh()
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, REFRESH_MS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function askForToken(problem) {
  if ($('token-dialog').open) return
  $('token-problem').textContent = hasToken() ? problem.message : ''
  $('token-dialog').showModal()
}

function notice(words) {
  $('notice').hidden = words === null
  $('notice').textContent = words ?? ''
}

function showRollCall(where) {
  document.body.classList.toggle('roll-call-shown', where === 'here')
  $('open-roll-call').setAttribute('aria-expanded', String(where === 'here'))
}

/** The field is as high as its text, up to a third of the page. */
function grow() {
  const field = $('text')
  field.style.height = 'auto'
  field.style.height = `${field.scrollHeight + 2}px`
}

/** Ten characters; crypto.randomUUID is not there on a page that came by plain HTTP from another machine. */
function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => (byte % 36).toString(36)).join('')
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  const text = $('text').value
  if (place === null || text.trim() === '') return
  $('text').value = ''
  grow()
  void send(text)
})
$('text').addEventListener('input', grow)
$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  $('composer').requestSubmit()
})
$('open-conversation').addEventListener('click', () => {
  $('user').value = place.user
  $('conversation').value = place.conversation
  $('conversation-dialog').showModal()
})
$('new-conversation').addEventListener('click', () => {
  $('conversation').value = `console-${randomName()}`
  $('conversation-form').requestSubmit()
})
$('conversation-form').addEventListener('submit', (event) => {
  event.preventDefault()
  $('conversation-dialog').close()
  open({ ...place, user: $('user').value.trim(), conversation: $('conversation').value.trim() })
  $('text').focus()
})
$('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  keepToken($('token').value.trim())
  $('token').value = ''
  $('token-dialog').close()
  void refresh()
})
for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close())
}
$('open-roll-call').addEventListener('click', () => showRollCall('here'))
$('close-roll-call').addEventListener('click', () => showRollCall('away'))

void keepFresh()
