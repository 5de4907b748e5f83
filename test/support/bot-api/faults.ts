// Faults: what shall go wrong next. One plan per bot; the first fault that fits a call is used up, standing faults stay.

import type { Fault, Faults } from './control.ts'
import type { Parameters } from './parameters.ts'

interface Planned {
  readonly method: string
  readonly fault: Fault
  left: number
}

export class FaultPlan implements Faults {
  #planned: Planned[] = []

  next(method: string, fault: Fault, times = 1): void {
    this.#planned.push({ method: method.toLowerCase(), fault, left: times })
  }

  always(method: string, fault: Fault): void {
    this.#planned.push({ method: method.toLowerCase(), fault, left: Number.POSITIVE_INFINITY })
  }

  clear(): void {
    this.#planned = []
  }

  take(method: string, parameters: Parameters): Fault | undefined {
    const fits = this.#planned.filter((planned) => fitsCall(planned, method.toLowerCase(), parameters))
    const chosen = fits.find((planned) => Number.isFinite(planned.left)) ?? fits[0]
    if (chosen === undefined) return undefined
    chosen.left -= 1
    if (chosen.left <= 0) this.#planned = this.#planned.filter((planned) => planned !== chosen)
    return chosen.fault
  }
}

function fitsCall(planned: Planned, method: string, parameters: Parameters): boolean {
  const { chatId } = planned.fault
  if (planned.method !== '*' && planned.method !== method) return false
  return chatId === undefined || parameters.text('chat_id') === String(chatId)
}
