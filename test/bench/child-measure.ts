// Child: one measurement in a process of its own; its parent gets the section, or why there is none.
//   child-measure.ts NAME OPTIONS

import { IN_PROCESS, isInProcess } from './in-process.ts'
import type { MeasureOptions } from './report.ts'

const [name = '', options = ''] = process.argv.slice(2)

try {
  if (!isInProcess(name)) throw new Error(`There is no measurement ${name}.`)
  const section = await IN_PROCESS[name](JSON.parse(options) as MeasureOptions) // The parent wrote them.
  process.send?.({ section })
} catch (error) {
  process.send?.({ why: error instanceof Error ? error.message : String(error) })
}
process.disconnect()
