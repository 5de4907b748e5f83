// Entries: how each kind of entry of a record looks. A kind that is not known here is shown plainly, so that nothing is hidden.

import { el } from './dom.js'
import { retryDeadLetter } from './gateway.js'
import { render } from './markdown.js'
import { report } from './shell.js'
import { partsOfStep } from './step-entries.js'
import { Tree } from './value.js'
import { clock, count, span } from './words.js'

/** An element for the list; null: another entry says it already. `context` knows what the others say. */
export function drawEntry(entry, context) {
  const parts = KINDS[entry.kind] === undefined ? plainly(entry) : KINDS[entry.kind](entry, context)
  if (parts === null) return null
  const { kind = entry.kind, tone = null, label, content = [] } = parts
  return el(
    'li',
    { class: 'entry', 'data-kind': kind, 'data-tone': tone },
    el('time', { text: clock(entry.at), datetime: entry.at, title: entry.at }),
    el('div', { class: 'body' }, el('p', { class: 'label' }, ...[label].flat()), ...content),
  )
}

const KINDS = {
  message(entry) {
    const { sender, command, text, outcome, reason, tries } = entry
    const who = sender?.name ?? sender?.handle ?? sender?.id ?? 'somebody'
    const took = entry.settled_at === null ? '' : ` after ${span(Date.parse(entry.settled_at) - Date.parse(entry.at))}`
    const ends = { answered: `answered${took}`, discarded: `discarded: ${reason}`, dead: `dead letter: ${reason}` }
    const tried = tries > 1 ? ` · tried ${count(tries, 'time')}` : ''
    return {
      tone: { dead: 'bad', discarded: 'soft' }[outcome] ?? (outcome === null ? 'waiting' : null),
      label: [el('b', { text: who }), note(`${ends[outcome] ?? 'not settled yet'}${tried}`)],
      content: [
        el('div', { class: command === null ? 'text said' : 'text said mono', text: text === '' ? '(no text)' : text }),
      ],
    }
  },
  transcript(entry, { said }) {
    const { role, text, turn, sender } = entry
    if (role === 'user' && said.has(text)) return null
    const who = {
      assistant: 'Answer',
      summary: 'Summary of what came before',
      partial: 'Stopped before an answer',
      failure: 'The run failed',
      user: sender?.name ?? 'Asked',
    }
    if (role === 'reset') return { kind: 'small', label: 'The history begins anew.' }
    if (role === 'undo') return { kind: 'small', label: 'The last turn was taken out of the history.' }
    const content = el('div', { class: 'text' })
    if (role === 'assistant' || role === 'summary') content.append(render(text))
    else content.textContent = text
    return {
      tone: { failure: 'bad', partial: 'soft' }[role] ?? null,
      label: [el('b', { text: who[role] ?? role }), note(turn.replace('-', ' '))],
      content: text === '' ? [] : [content],
    }
  },
  delivery(entry, { answered }) {
    const { outcome, text, uncertain, parts_sent: parts } = entry
    const took = entry.delivered_at === null ? '' : ` in ${span(Date.parse(entry.delivered_at) - Date.parse(entry.at))}`
    const ends = { delivered: `Delivered${took}`, dead: 'Not delivered' }
    const sent = parts > 1 ? ` · ${count(parts, 'part')}` : ''
    const doubt = uncertain ? ' · a part may stand there twice' : ''
    return {
      tone: { delivered: 'good', dead: 'bad' }[outcome] ?? 'waiting',
      label: `${ends[outcome] ?? 'Owed'}${sent}${doubt}`,
      // What a run answered stands above; what only a reply says is said here.
      content: answered.has(text) ? [] : [el('div', { class: 'text' }, render(text))],
    }
  },
  step: (entry, context) => partsOfStep(entry, context) ?? plainly(entry),
  dead_letter(entry, { onRetried }) {
    const what = entry.of === 'reply' ? 'Nobody received this reply' : 'Nobody answered this message'
    return {
      tone: 'bad',
      label: el('b', { text: `${what}: ${entry.reason}` }),
      content: [retryButton(entry, onRetried)],
    }
  },
}

function plainly(entry) {
  const { kind, id: _, at: __, ...rest } = entry
  const tree = new Tree(el('div', { class: 'context' }))
  tree.show(rest)
  return { kind: 'other', label: el('b', { text: kind.replaceAll('_', ' ') }), content: [tree.element] }
}

function note(text) {
  return el('span', { class: 'note', text })
}

/** Puts a dead letter back where it came from. */
export function retryButton({ id }, onRetried) {
  const button = el('button', { class: 'quiet small', type: 'button', text: 'Try again' })
  button.addEventListener('click', async () => {
    button.disabled = true
    try {
      await retryDeadLetter(id)
    } catch (problem) {
      button.disabled = false
      report(problem)
    }
    onRetried()
  })
  return button
}
