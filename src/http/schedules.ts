// Schedules: what the file has agents told at times of their own, and what became of it.

import { json } from './answers.ts'
import type { Call } from './call.ts'

export async function listSchedules({ gateway }: Call): Promise<Response> {
  return json(200, { schedules: await gateway.schedules() })
}
