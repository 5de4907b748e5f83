// Report: what a measurement gives back, and how it is shown. Pure.
//   A row's figure is the median of its rounds, with the least and the greatest; a ratio is a quotient of two medians.

export type Unit = 's' | 'ms' | 'µs' | 'MB' | 'bytes' | 'per second' | 'messages' | 'folders'

/** One value per round. */
export type Rounds = readonly number[]

export interface Row {
  readonly what: string
  readonly unit: Unit
  readonly rounds: Rounds
  /** What stands beside it for the ratio. */
  readonly beside?: { readonly label: string; readonly rounds: Rounds }
  readonly target?: Target
}

export interface Target {
  readonly says: string
  readonly met: boolean
}

export interface Section {
  readonly name: string
  readonly about: string
  readonly rows: readonly Row[]
}

export interface MeasureOptions {
  readonly rounds: number
  /** Smaller sizes and shorter times: to see that it works, not to compare. */
  readonly size: 'quick' | 'full'
}

/** How a measurement is made; resolves with its section or rejects with an Error that says why it could not be made. */
export type Measure = (options: MeasureOptions) => Promise<Section>

export function median(values: Rounds): number {
  return quantile(values, 0.5)
}

/** By linear interpolation between the two nearest. */
export function quantile(values: Rounds, share: number): number {
  if (values.length === 0) throw new Error('There is no median of nothing: a measurement gave no value.')
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** Met when the median is at most `most`. */
export function atMost(rounds: Rounds, most: number, says: string): Target {
  return { says, met: median(rounds) <= most }
}

export function formatSection(section: Section): string {
  const lines = section.rows.map((row) => [
    row.what,
    spread(row.rounds, row.unit),
    row.beside === undefined ? '' : `${row.beside.label} ${spread(row.beside.rounds, row.unit)}`,
    row.beside === undefined ? '' : `${ratioOf(row).toPrecision(3)}×`,
    row.target === undefined ? '' : `${row.target.met ? 'met' : 'NOT MET'}: ${row.target.says}`,
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const table = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [`${section.name}: ${section.about}`, ...table.map((line) => `  ${line}`)].join('\n')
}

/** The same for programs. */
export function plainSection({ name, about, rows }: Section) {
  return {
    name,
    about,
    rows: rows.map((row) => ({
      what: row.what,
      unit: row.unit,
      ...summary(row.rounds),
      beside: row.beside === undefined ? null : { label: row.beside.label, ...summary(row.beside.rounds) },
      ratio: row.beside === undefined ? null : ratioOf(row),
      target: row.target ?? null,
    })),
  }
}

function summary(rounds: Rounds) {
  return { median: median(rounds), min: Math.min(...rounds), max: Math.max(...rounds), rounds: rounds.length }
}

function ratioOf(row: Row): number {
  return median(row.rounds) / median(row.beside?.rounds ?? [])
}

function spread(rounds: Rounds, unit: Unit): string {
  const { median: middle, min, max } = summary(rounds)
  return `${short(middle)} ${unit} (${short(min)}–${short(max)}, ${rounds.length})`
}

function short(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value))
  if (Math.abs(value) >= 10) return value.toFixed(1)
  return value.toFixed(2)
}
