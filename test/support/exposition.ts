// Exposition: reads Prometheus' text format as strictly as Prometheus does, and a little more.

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+]?(?:\d[\d.e+-]*|Inf|NaN))$/i
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/** Throws with the line that is wrong. */
export function readExposition(text: string): readonly Sample[] {
  const types = new Map<string, string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type !== null) {
      if (types.has(type[1] ?? '')) throw new Error(`a second family of the name ${type[1]}`)
      types.set(type[1] ?? '', type[2] ?? '')
    }
    if (line === '' || line.startsWith('#')) continue
    const found = SAMPLE.exec(line)
    if (found === null) throw new Error(`not a sample: ${line}`)
    const [, name = '', labels = '', value = ''] = found
    const key = line.slice(0, line.lastIndexOf(' '))
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, ''))) throw new Error(`no type: ${line}`)
    samples.push({ name, labels: labelsOf(labels), value: Number(value.replace(/inf/i, 'Infinity')) })
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples)
  return samples
}

/** The sum over all series of the name that have these labels. */
export function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    const found = LABEL.exec(text)
    if (found === null) throw new Error(`not labels: ${text}`)
    labels[found[1] ?? ''] = (found[2] ?? '').replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))
  }
  return labels
}

/** Buckets grow with their bounds, and the last holds everything. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(
    samples.filter((sample) => sample.name === `${name}_bucket`),
    ({ labels: { le: _, ...labels } }) => JSON.stringify(labels),
  )
  for (const [labels, buckets] of groups) {
    const bounds = buckets.map((bucket) => Number(bucket.labels['le']?.replace('+Inf', 'Infinity')))
    const values = buckets.map(({ value }) => value)
    const rising = (list: readonly number[]) =>
      list.every((each, index) => index === 0 || each >= (list[index - 1] ?? 0))
    const count = valueOf(samples, `${name}_count`, JSON.parse(labels))
    if (!rising(bounds) || !rising(values)) throw new Error(`the buckets of ${name} do not rise: ${labels}`)
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || values.at(-1) !== count) throw new Error(`${name} lacks +Inf`)
  }
}
