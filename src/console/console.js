// Console: puts the page together. Owns which view is shown, the keys that work everywhere, and what is said of the gateway itself.

import { ActorsView } from './actors.js'
import { ChannelsView } from './channels.js'
import { ChatView } from './chat.js'
import { byId, setAttribute, setText } from './dom.js'
import { keepToken } from './gateway.js'
import { SessionsView } from './sessions.js'
import { banner, followReports, go, remembered, whereabouts } from './shell.js'
import { clock } from './words.js'

const SECTIONS = ['channels', 'sessions', 'chat', 'actors']
const THEMES = ['system', 'light', 'dark']
/** How long the banner says that the gateway is back. */
const BACK_MS = 4_000

const views = {
  channels: new ChannelsView(),
  sessions: new SessionsView(),
  chat: new ChatView(),
  actors: new ActorsView(),
}

let shown = null
let report = null
/** Since when nobody has answered; null: the gateway answers. */
let lostAt = null

function showView() {
  const [section = 'chat', ...rest] = whereabouts()
  const name = SECTIONS.includes(section) ? section : 'chat'
  if (shown !== name && shown !== null) views[shown].hide?.()
  shown = name
  for (const each of SECTIONS) byId(`view-${each}`).hidden = each !== name
  for (const link of document.querySelectorAll('[data-section]')) {
    setAttribute(link, 'aria-current', link.dataset.section === name ? 'page' : null)
  }
  byId(`view-${name}`).classList.toggle('detail-shown', rest.length > 0)
  views[name].show(rest)
  if (report !== null) views[name].report?.(report)
  document.title = `${rest[0] ?? name[0].toUpperCase() + name.slice(1)} · Troupe`
}

const refresh = followReports({
  onReport(next) {
    const restarted = report !== null && next.uptime_s < report.uptime_s
    report = next
    if (restarted) banner('The gateway was restarted.', BACK_MS)
    else if (lostAt !== null) banner('The gateway answers again.', BACK_MS)
    if (lostAt !== null || restarted) for (const view of Object.values(views)) view.back?.()
    lostAt = null
    if (shown === null) begin()
    tellOfGateway()
    views[shown].report?.(report)
  },
  onLost(problem) {
    lostAt ??= Date.now()
    const words = problem.status === 0 ? 'The gateway does not answer.' : problem.message
    banner(`${words} Trying again; what is shown is from ${clock(lostAt)}.`)
    setText(byId('gateway-state'), 'not reachable')
    setAttribute(byId('gateway-state'), 'data-state', 'lost')
    if (shown === null) showView()
  },
})

/** Where the page was last time; the first time, where somebody can talk. */
function begin() {
  const canTalk = report.channels.some(({ platform }) => platform === 'web')
  if (location.hash === '')
    history.replaceState(null, '', remembered.get('view') ?? (canTalk ? '#/chat' : '#/channels'))
  showView()
}

function tellOfGateway() {
  const { channels, sessions, state, dead_letters: dead } = report
  const live = channels.filter((channel) => channel.state === 'live').length
  setText(byId('gateway-state'), state)
  setAttribute(byId('gateway-state'), 'data-state', state)
  setText(byId('live-count'), `${live} of ${channels.length} channels live`)
  badge('channels', live < channels.length ? channels.length - live : dead, live < channels.length ? 'bad' : 'waiting')
  badge('sessions', sessions.running + sessions.pending, 'running')
}

function badge(section, number, kind) {
  const element = byId(`badge-${section}`)
  setText(element, number > 0 ? String(number) : '')
  setAttribute(element, 'data-kind', kind)
}

function useTheme(theme) {
  remembered.set('theme', theme)
  setAttribute(document.documentElement, 'data-theme', theme === 'system' ? null : theme)
  setText(byId('theme'), theme === 'system' ? 'Theme' : theme[0].toUpperCase() + theme.slice(1))
  setAttribute(byId('theme'), 'title', `Colours: ${theme}`)
}

// --- keys ---------------------------------------------------------------------------------------------------------------

const isField = (element) => element?.matches?.('input, textarea, select') ?? false

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return
  if (event.key === 'Escape') return escape()
  if (isField(event.target)) return
  const section = SECTIONS[Number(event.key) - 1]
  if (section !== undefined) go(section)
  else if (event.key === '/') byId(`view-${shown}`).querySelector('input[type=search], textarea')?.focus()
  else if (event.key === '?') byId('help-dialog').showModal()
  else return
  event.preventDefault()
})

/** The innermost thing first: the view's own, the field that is written in, the detail that covers the list. */
function escape() {
  if (views[shown]?.escape?.()) return
  if (isField(document.activeElement)) document.activeElement.blur()
  else if (whereabouts().length > 1) go(shown)
}

// --- what is always there -----------------------------------------------------------------------------------------------

window.addEventListener('hashchange', () => {
  remembered.set('view', location.hash)
  showView()
})
byId('theme').addEventListener('click', () => {
  useTheme(THEMES[(THEMES.indexOf(remembered.get('theme') ?? 'system') + 1) % THEMES.length])
})
byId('help').addEventListener('click', () => byId('help-dialog').showModal())
byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  keepToken(byId('token').value.trim())
  byId('token').value = ''
  byId('token-dialog').close()
  for (const view of Object.values(views)) view.back?.()
  void refresh()
})
for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close())
}
useTheme(remembered.get('theme') ?? 'system')
