// Player: a thread of the crew. It is told a world's number and tells what became of it.

import { parentPort, workerData } from 'node:worker_threads'
import { playWorld, type RunOptions } from './run.ts'

parentPort?.on('message', (world: number) => {
  void playWorld(workerData as RunOptions, world).then((played) => parentPort?.postMessage(played))
})
