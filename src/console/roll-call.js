// Roll call: channels with their states and reasons, as a list to pick from. Elements are kept from one report to the next, so that
// focus and selection stay where they are.

import { el, setAttribute, setChildren, setText } from './dom.js'

/** `hrefOf(channel)` is where a row leads. */
export function createRollCall({ list, hrefOf }) {
  const rows = new Map()

  const rowOf = (channel) => {
    const known = rows.get(channel.id)
    if (known !== undefined) return known
    const part = (name) => el('span', { class: name })
    const row = { name: part('name'), state: part('state'), detail: part('detail'), reason: part('reason') }
    row.face = el('a', { class: 'channel', href: hrefOf(channel) }, row.name, row.state, row.detail, row.reason)
    row.item = el('li', { 'data-channel': channel.id }, row.face)
    rows.set(channel.id, row)
    return row
  }

  return {
    /** `picked` is the id of the channel on the page. */
    show(channels, picked) {
      const items = channels.map((channel) => {
        const row = rowOf(channel)
        setAttribute(row.item, 'data-state', channel.state)
        setText(row.name, channel.id)
        setText(row.state, channel.state)
        setText(row.detail, channel.agent === channel.id ? channel.platform : `${channel.agent} on ${channel.platform}`)
        setText(row.reason, channel.reason ?? '')
        setAttribute(row.face, 'aria-current', channel.id === picked ? 'true' : null)
        return row.item
      })
      setChildren(list, items)
    },
  }
}

/** Arrow keys move the focus among the links of a list. */
export function arrowsMoveFocus(list) {
  list.addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (by === undefined) return
    const links = [...list.querySelectorAll('a')]
    const next = links[links.indexOf(document.activeElement) + by]
    if (next === undefined) return
    event.preventDefault()
    next.focus()
  })
}
