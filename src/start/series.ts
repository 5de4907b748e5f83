// Series: counters and histograms in plain numbers, and their text in Prometheus' format. prom-client would take 22 MB and some
// hundred milliseconds of every start, asked or not; what has to be counted from the first moment on is therefore counted here.
//   M2. One number for each set of labels; labels come from the definitions and from closed sets, never from what people write.

/** A family of numbers of one name. */
export interface Family {
  text(): string
}

export interface Counter extends Family {
  /** `labels` in the order of their names. */
  add(labels: readonly string[], by?: number): void
}

export interface Histogram extends Family {
  observe(labels: readonly string[], seconds: number): void
}

export interface Naming {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

export function counter({ name, help, labels }: Naming): Counter {
  const values = new Map<string, number>()
  return {
    add(given, by = 1) {
      const key = labelled(labels, given)
      values.set(key, (values.get(key) ?? 0) + by)
    },
    text: () =>
      family(
        { name, help, type: 'counter' },
        [...values].map(([key, value]) => `${name}${braced(key)} ${value}`),
      ),
  }
}

/** A clock that was set back in between makes no time negative: a sum that falls is a restart to whoever reads it. */
export function secondsBetween(beganMs: number, endedMs: number): number {
  return Math.max(0, endedMs - beganMs) / 1_000
}

export function histogram({ name, help, labels, bounds }: Naming & { readonly bounds: readonly number[] }): Histogram {
  const values = new Map<string, { readonly counts: number[]; sum: number; count: number }>()
  return {
    observe(given, seconds) {
      const key = labelled(labels, given)
      const value = values.get(key) ?? { counts: bounds.map(() => 0), sum: 0, count: 0 }
      values.set(key, value)
      value.sum += seconds
      value.count += 1
      const first = bounds.findIndex((bound) => seconds <= bound)
      if (first >= 0) value.counts[first] = (value.counts[first] ?? 0) + 1
    },
    text() {
      const lines = [...values].flatMap(([key, { counts, sum, count }]) => {
        let below = 0
        const buckets = bounds.map((bound, index) => {
          below += counts[index] ?? 0
          return `${name}_bucket${braced(joined(key, `le="${bound}"`))} ${below}`
        })
        return [
          ...buckets,
          `${name}_bucket${braced(joined(key, 'le="+Inf"'))} ${count}`,
          `${name}_sum${braced(key)} ${sum}`,
          `${name}_count${braced(key)} ${count}`,
        ]
      })
      return family({ name, help, type: 'histogram' }, lines)
    },
  }
}

function family({ name, help, type }: { name: string; help: string; type: string }, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function labelled(names: readonly string[], given: readonly string[]): string {
  return names.map((name, index) => `${name}="${escaped(given[index] ?? '')}"`).join(',')
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

function joined(labels: string, more: string): string {
  return labels === '' ? more : `${labels},${more}`
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`))
}
