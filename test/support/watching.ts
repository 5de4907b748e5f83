// Watching: a web conversation as somebody sees it who has its page open: its events from the beginning, over real HTTP.

import type { GatewayProcess } from './gateway-process.ts'
import { SOON_MS, whenDone } from './scenario.ts'

export interface Shown {
  readonly id: string
  readonly role: 'user' | 'assistant'
  readonly text: string
}

export interface Watching {
  /** Everything that the conversation showed, oldest first. */
  readonly shown: readonly Shown[]
  readonly states: readonly string[]
  answers(): string[]
  /** Resolves when so many answers are there, with all of them. */
  answered(count: number, withinMs?: number): Promise<string[]>
  state(name: string, withinMs?: number): Promise<void>
  close(): void
}

/** Reads a conversation's events from its beginning. */
export async function watch(gateway: GatewayProcess, channel: string, conversation: string): Promise<Watching> {
  const controller = new AbortController()
  whenDone(() => controller.abort())
  const path = `/channels/${channel}/conversations/${encodeURIComponent(conversation)}/events`
  const response = await gateway.request(path, { signal: controller.signal })
  if (!response.ok || response.body === null) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  const shown: Shown[] = []
  const states: string[] = []
  const watchers = new Set<() => void>()
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    let rest = ''
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const frames = (rest + piece).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) keep(frame, shown, states)
      for (const watcher of [...watchers]) watcher()
    }
  }
  // The stream ends with the gateway or with the test.
  read(response.body).catch(() => {})
  const answersNow = () => shown.filter(({ role }) => role === 'assistant').map(({ text }) => text)
  const until = <T>(look: () => T | false, goal: string, withinMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const seen = JSON.stringify
      const timer = setTimeout(() => {
        watchers.delete(watcher)
        const log = `${seen(shown)}\n${seen(states)}\n${gateway.output()}${gateway.errors()}`
        reject(new Error(`Waited ${withinMs} ms in vain for ${goal}: ${log}`))
      }, withinMs)
      const watcher = (): void => {
        const value = look()
        if (value === false) return
        clearTimeout(timer)
        watchers.delete(watcher)
        resolve(value)
      }
      watchers.add(watcher)
      watcher()
    })
  return {
    shown,
    states,
    answers: answersNow,
    answered: (count, withinMs = SOON_MS) =>
      until(() => answersNow().length >= count && answersNow(), `${count} answers`, withinMs),
    state: (name, withinMs = SOON_MS) => until(() => states.at(-1) === name && undefined, `state ${name}`, withinMs),
    close: () => controller.abort(),
  }
}

function keep(frame: string, shown: Shown[], states: string[]): void {
  const data = /^data: (.*)$/m.exec(frame)?.[1]
  if (data === undefined) return
  const value: unknown = JSON.parse(data)
  // as: the frame's name says which of the two it is.
  if (frame.startsWith('event: message')) shown.push(value as Shown)
  if (frame.startsWith('event: state')) states.push((value as { state: string }).state)
}
