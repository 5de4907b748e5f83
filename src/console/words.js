// Words: moments, ages and counts as people read them.

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** `4 min`: in the largest unit that has at least one. */
export function age(moment) {
  const ms = Math.max(0, Date.now() - new Date(moment).getTime())
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ['s', 1_000]
  return `${Math.floor(ms / size)} ${unit}`
}

/** `0.4 s`, `3 min`: how long something took. */
export function span(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.round(ms / 60_000)} min`
}

export function clock(moment) {
  return new Date(moment).toLocaleTimeString([], { hour12: false })
}

/** With milliseconds, for what happens many times in a second. */
export function fineClock(moment) {
  const date = new Date(moment)
  return `${clock(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

export function day(moment) {
  return new Date(moment).toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
}

/** `7 bytes`, `12.4 KB`: as the gateway writes it. */
export function size(bytes) {
  if (bytes < 1_000) return `${bytes} bytes`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`
}

/** What a session key is made of, as it was before it was encoded. */
export function sessionParts(key) {
  return key.split('/').map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })
}

/** `running.working` of `{ running: 'working' }`: the innermost states, each with the way to it. */
export function innermost(value, above = '') {
  if (typeof value === 'string') return [above === '' ? value : `${above}.${value}`]
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, below]) => {
    const id = above === '' ? key : `${above}.${key}`
    const rest = innermost(below, id)
    return rest.length > 0 ? rest : [id]
  })
}

/** Where a session stands in the supervision tree. */
export function placeOfSession(key) {
  return encodedId(`session:${key}`)
}

/** An id as a place holds it: a slash in it is none between two ids. */
export function encodedId(id) {
  return id.replace(/[%/]/g, encodeURIComponent)
}

/** XState's own events in the words of the charts. */
export function eventWords(type) {
  return type
    .replace(/^xstate\.(done|error)\.actor\./, '$1 ')
    .replace(/^xstate\.after\.([^.]+)\..*$/, 'after $1')
    .replace(/^xstate\.(init|stop)$/, '$1')
}
