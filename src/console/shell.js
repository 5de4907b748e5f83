// Shell: what every view of the page shares: where the page is, what it remembers, the gateway's last report, and the ways to say
// that something is wrong. Views ask it; it knows no view.

import { byId, setText } from './dom.js'
import { hasToken, status } from './gateway.js'

const REFRESH_MS = 2_000

export const remembered = {
  get: (key) => localStorage.getItem(`troupe.${key}`),
  set: (key, value) => localStorage.setItem(`troupe.${key}`, value),
}

/** `#/section/part/part`, decoded. */
export function whereabouts() {
  return location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part)
      } catch {
        return part
      }
    })
}

export function hrefTo(...parts) {
  return `#/${parts.map(encodeURIComponent).join('/')}`
}

export function go(...parts) {
  location.hash = hrefTo(...parts)
}

/** Calls `look` now and again every `ms` while the page is visible and `wanted()`. Returns a function that asks at once. */
export function keepLooking(look, { ms = REFRESH_MS, wanted = () => true } = {}) {
  let timer = null
  let looking = false
  const lookNow = async () => {
    clearTimeout(timer)
    if (looking) return
    looking = true
    try {
      if (document.visibilityState === 'visible' && wanted()) await look()
    } catch (problem) {
      report(problem)
    } finally {
      looking = false
      timer = setTimeout(lookNow, ms)
    }
  }
  document.addEventListener('visibilitychange', () => void lookNow())
  void lookNow()
  return lookNow
}

/** A problem that a view met: a wrong token is asked for; what nobody answered is told once, by the banner. */
export function report(problem) {
  if (problem.status === 401) askForToken(problem)
  else if (problem.status !== 0) banner(problem.message)
}

export function askForToken(problem) {
  if (byId('token-dialog').open) return
  setText(byId('token-problem'), hasToken() ? problem.message : '')
  byId('token-dialog').showModal()
}

let bannerTimer = null

/** Said over the page; null: nothing more to say. `ms`: for so long. */
export function banner(words, ms = null) {
  clearTimeout(bannerTimer)
  byId('banner').hidden = words === null
  setText(byId('banner'), words ?? '')
  if (ms !== null) bannerTimer = setTimeout(() => banner(null), ms)
}

/** Follows the gateway's own report; `onReport(report)` for each, `onLost()` when nobody answers. */
export function followReports({ onReport, onLost }) {
  return keepLooking(async () => {
    try {
      onReport(await status())
    } catch (problem) {
      if (problem.status === 401) askForToken(problem)
      else onLost(problem)
    }
  })
}
