// Step entries: what a run did, step by step: what the model asked for, who decided, what each tool gave back.

import { el } from './dom.js'
import { render } from './markdown.js'

const INPUT_UNITS_MAX = 600
const RESULT_UNITS_MAX = 4_000

/** The parts of an entry; null: a kind of step that is not known here. `tools` are the names of calls by their ids. */
export function partsOfStep({ step, turn }, { tools }) {
  const name = (call) => tools.get(call) ?? call
  switch (step.kind) {
    case 'answer':
      return {
        label: [el('b', { text: step.calls.length === 1 ? 'Asks for a tool' : 'Asks for tools' }), note(turn)],
        content: [
          ...(step.text === '' ? [] : [el('div', { class: 'text' }, render(step.text))]),
          ...step.calls.map((call) =>
            el('pre', { class: 'call', text: `${call.tool} ${clipped(inputOf(call), INPUT_UNITS_MAX)}` }),
          ),
        ],
      }
    case 'begin':
      return { kind: 'small', label: `${name(step.call)} begins` }
    case 'decision':
      return {
        kind: 'small',
        tone: step.approved ? 'good' : 'bad',
        label: `${name(step.call)}: ${decisionWords(step)}`,
      }
    case 'result':
      return {
        tone: step.failed ? 'bad' : null,
        label: [el('b', { text: name(step.call) }), note(step.failed ? 'failed' : 'gave back')],
        content: [el('pre', { class: 'result', text: clipped(step.text, RESULT_UNITS_MAX) })],
      }
    case 'steering':
      return {
        label: [el('b', { text: 'Given to the run' }), note(turn)],
        content: step.messages.map(({ text }) => el('div', { class: 'text said', text })),
      }
    default:
      return null
  }
}

/** The names of all calls in these entries. */
export function toolsIn(entries) {
  const steps = entries.filter(({ kind }) => kind === 'step').map(({ step }) => step)
  return new Map(steps.flatMap(({ calls = [] }) => calls.map(({ id, tool }) => [id, tool])))
}

function decisionWords({ approved, by }) {
  if (by === null) return 'nobody approved it in time'
  return `${approved ? 'approved' : 'denied'} by ${by}`
}

function inputOf({ input }) {
  return typeof input === 'string' ? input : JSON.stringify(input)
}

function clipped(text, units) {
  return text.length <= units ? text : `${text.slice(0, units)}…`
}

function note(turn) {
  return el('span', { class: 'note', text: turn.replace('-', ' ') })
}
