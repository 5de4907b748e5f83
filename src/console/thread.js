// Thread: the messages of one conversation on the page: what is written down, what is being written, what is being sent.
// Owns the elements inside #messages, in that order. A streamed answer is replaced by the message that it becomes.

import { render } from './markdown.js'

/** After the turn ended, a preview waits this long for its message: a stopped run leaves none. */
const PREVIEW_MS_MAX = 2_000

export class Thread {
  #box
  #list
  #newest
  /** By turn: the element that shows it, and its text so far. */
  #previews = new Map()
  #previewTimer = null
  #thinking = null
  #sending = []

  constructor({ box, list, newest }) {
    this.#box = box
    this.#list = list
    this.#newest = newest
    box.addEventListener('scroll', () => {
      if (this.#atEnd()) newest.hidden = true
    })
    newest.addEventListener('click', () => this.#showEnd())
  }

  clear() {
    clearTimeout(this.#previewTimer)
    this.#previews.clear()
    this.#sending = []
    this.#thinking = null
    this.#newest.hidden = true
    this.#list.replaceChildren()
  }

  /** Shown instead of messages, for a conversation that has none. */
  greet(text) {
    this.#list.replaceChildren(leaf('p', 'greeting', text))
  }

  message({ role, text }) {
    this.#change(() => {
      const element = bubble(role)
      if (role === 'assistant') {
        // Replies come in the order of their turns: the oldest preview is this one's.
        this.#dropPreview(this.#previews.keys().next().value)
        this.#setThinking(false)
        element.append(render(text))
      } else {
        this.#arrived(text)
        element.textContent = text
      }
      this.#list.insertBefore(element, this.#firstUnwritten())
    })
  }

  delta({ turn, text }) {
    this.#change(() => {
      this.#setThinking(false)
      const preview = this.#previews.get(turn) ?? this.#startPreview(turn)
      preview.text += text
      preview.element.replaceChildren(render(preview.text))
    })
  }

  /** The session's state decides whether somebody seems to be at work. */
  state(state) {
    clearTimeout(this.#previewTimer)
    this.#change(() => this.#setThinking(state !== 'idle' && this.#previews.size === 0))
    if (state === 'idle') this.#previewTimer = setTimeout(() => this.restart(), PREVIEW_MS_MAX)
  }

  /** The connection is new: what was being streamed comes again, from its beginning. */
  restart() {
    for (const turn of [...this.#previews.keys()]) this.#dropPreview(turn)
    this.#setThinking(false)
  }

  /** A message on its way. Its own event replaces it once it is written down; `failed` says why it is not. */
  sending({ text, files }) {
    const entry = { element: bubble('user', 'sending'), text, files: files.length }
    entry.element.textContent = [text, ...files.map((name) => `[${name}]`)].filter((line) => line !== '').join('\n')
    this.#sending.push(entry)
    this.#change(() => this.#list.append(entry.element))
    this.#showEnd()
    return {
      failed: (words, again) => {
        if (this.#sending.includes(entry)) this.#change(() => explain(entry.element, words, again))
      },
    }
  }

  #arrived(text) {
    const sent = this.#sending.find((candidate) => isOf(candidate, text))
    sent?.element.remove()
    this.#sending = this.#sending.filter((candidate) => candidate !== sent)
  }

  #startPreview(turn) {
    const preview = { element: bubble('assistant', 'preview'), text: '' }
    // A screen reader is told the message, not each piece of it.
    preview.element.setAttribute('aria-hidden', 'true')
    this.#list.insertBefore(preview.element, this.#sending[0]?.element ?? null)
    this.#previews.set(turn, preview)
    return preview
  }

  #dropPreview(turn) {
    this.#previews.get(turn)?.element.remove()
    this.#previews.delete(turn)
  }

  #setThinking(wanted) {
    if (wanted === (this.#thinking !== null)) return
    this.#thinking?.remove()
    this.#thinking = wanted ? bubble('assistant', 'thinking') : null
    if (this.#thinking === null) return
    this.#thinking.setAttribute('aria-label', 'The agent is at work')
    this.#thinking.append(document.createElement('i'), document.createElement('i'), document.createElement('i'))
    this.#list.insertBefore(this.#thinking, this.#sending[0]?.element ?? null)
  }

  /** Where the written messages end; null: at the end of the list. */
  #firstUnwritten() {
    const [preview] = this.#previews.values()
    return preview?.element ?? this.#thinking ?? this.#sending[0]?.element ?? null
  }

  /** Changes the list and stays at its end, unless the person has scrolled up to read. */
  #change(work) {
    const follow = this.#atEnd()
    work()
    if (this.#list.childElementCount > 1) this.#list.querySelector('.greeting')?.remove()
    if (follow) this.#showEnd()
    else this.#newest.hidden = false
  }

  #atEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 80
  }

  #showEnd() {
    this.#box.scrollTop = this.#box.scrollHeight
    this.#newest.hidden = true
  }
}

/** What is written down of a message has a line for each of its files, below what was said. */
function isOf({ text, files }, written) {
  if (files === 0) return written === text
  const lines = written.split('\n')
  return lines.length >= files && lines.slice(0, -files).join('\n') === (text.trim() === '' ? '' : text)
}

/** Says under a message why it was not sent, with a way to try again. */
function explain(element, words, again) {
  element.classList.add('failed')
  const retry = leaf('button', 'link', 'Send again')
  retry.type = 'button'
  const note = leaf('span', 'why', `${words} `)
  note.append(retry)
  retry.addEventListener('click', () => {
    element.classList.remove('failed')
    note.remove()
    again()
  })
  element.append(note)
}

function bubble(role, kind = 'written') {
  const element = document.createElement('article')
  element.className = `message ${role} ${kind}`
  return element
}

function leaf(tag, name, text) {
  const element = document.createElement(tag)
  element.className = name
  element.textContent = text
  return element
}
