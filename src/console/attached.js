// Attached: the files that go with the next message: chosen, pasted or dropped, shown by name until it is sent, and taken away again.

import { el, setChildren } from './dom.js'
import { size } from './words.js'

/** What the gateway takes; it is said here before anything is sent. */
const FILE_BYTES_MAX = 20_000_000
const FILES_MAX = 20

export class Attached {
  #list
  #field
  #refuse
  #files = []
  /** No conversation is open: nothing is taken. */
  #isClosed = true

  /**
   * `list` shows them, `button` opens the choice that `input` gives, `area` is where they may be dropped, `field` where they may be
   * pasted and where one goes on writing. `refuse` is told in words why a file is not taken; null: all were.
   */
  constructor({ list, button, input, area, field, refuse }) {
    this.#list = list
    this.#field = field
    this.#refuse = refuse
    button.addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      this.#add([...input.files])
      // The same file may be chosen again.
      input.value = ''
      field.focus()
    })
    field.addEventListener('paste', (event) => this.#take(event, event.clipboardData))
    area.addEventListener('dragover', (event) => {
      if (this.#isClosed || !event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      area.classList.add('dropping')
    })
    area.addEventListener('dragleave', (event) => {
      if (!area.contains(event.relatedTarget)) area.classList.remove('dropping')
    })
    area.addEventListener('drop', (event) => {
      area.classList.remove('dropping')
      this.#take(event, event.dataTransfer)
    })
  }

  get files() {
    return this.#files
  }

  /** Those of another conversation. */
  show(files) {
    this.#isClosed = false
    this.#files = files
    this.#draw()
  }

  #take(event, data) {
    const files = [...(data?.files ?? [])]
    if (files.length === 0 || this.#isClosed) return
    event.preventDefault()
    this.#add(files)
  }

  #add(files) {
    const large = files.find((file) => file.size > FILE_BYTES_MAX)
    const empty = files.find((file) => file.size === 0)
    const taken = files.filter((file) => file.size > 0 && file.size <= FILE_BYTES_MAX)
    const room = FILES_MAX - this.#files.length
    this.#refuse(whyNot({ large, empty, isOver: taken.length > room }))
    this.#files = [...this.#files, ...taken.slice(0, room)]
    this.#draw()
  }

  #draw() {
    setChildren(
      this.#list,
      this.#files.map((file) => this.#row(file)),
    )
    this.#list.hidden = this.#files.length === 0
  }

  #row(file) {
    const remove = el('button', {
      class: 'link',
      type: 'button',
      text: '×',
      'aria-label': `Take ${file.name} away`,
      on: {
        click: () => {
          this.#files = this.#files.filter((other) => other !== file)
          this.#draw()
          this.#field.focus()
        },
      },
    })
    return el('li', {}, el('span', { text: file.name }), el('span', { class: 'soft', text: size(file.size) }), remove)
  }
}

function whyNot({ large, empty, isOver }) {
  if (large !== undefined) return `${large.name} is larger than ${size(FILE_BYTES_MAX)}.`
  if (empty !== undefined) return `${empty.name} is empty.`
  return isOver ? `A message has at most ${FILES_MAX} files.` : null
}
