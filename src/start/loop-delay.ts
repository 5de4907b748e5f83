// Loop delay: by how much the event loop is late, from the start on: while it is late nobody is answered, whoever caused it.

import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface LoopDelay {
  /** What was measured since the last text, as a summary in Prometheus' format. */
  text(): string
  stop(): void
}

/** A look every so often costs nothing measurable and finds whatever a person could notice. */
const RESOLUTION_MS = 20

const QUANTILES = [0.5, 0.9, 0.99, 1] as const

export function watchLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  return {
    text() {
      const name = 'troupe_event_loop_delay_seconds'
      const lines = [
        `# HELP ${name} By how much the event loop was late since the last answer.`,
        `# TYPE ${name} summary`,
        ...QUANTILES.map((quantile) => `${name}{quantile="${quantile}"} ${late(delays.percentile(quantile * 100))}`),
        `${name}_sum ${delays.count === 0 ? 0 : late(delays.mean) * delays.count}`,
        `${name}_count ${delays.count}`,
        '',
      ]
      delays.reset()
      return lines.join('\n')
    },
    stop: () => void delays.disable(),
  }
}

/** Node measures from one look to the next, in nanoseconds: what is over the distance that was asked for is the delay. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3)
}
