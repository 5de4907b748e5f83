// Child: echo bots on bare grammY, as its own documentation begins: what a gateway is compared with.
// It keeps nothing on disk, knows no sessions and forgets what it was told when it ends.
//   child-bare-bots.ts API_ROOT DELAY_MS TOKEN…

import { setTimeout as sleep } from 'node:timers/promises'
import { Bot } from 'grammy'

const [apiRoot = '', delayMs = '0', ...tokens] = process.argv.slice(2)
let live = 0

for (const token of tokens) {
  const bot = new Bot(token, { client: { apiRoot } })
  bot.on('message:text', async (context) => {
    if (delayMs !== '0') await sleep(Number(delayMs))
    await context.reply(`bare heard: ${context.message.text}`)
  })
  const onStart = (): void => {
    live += 1
    if (live === tokens.length) process.stdout.write(`${live} of ${tokens.length} live\n`)
  }
  bot.start({ onStart, allowed_updates: ['message'] }).catch((error: unknown) => {
    process.stderr.write(`a bare bot ended: ${error instanceof Error ? error.name : 'unknown'}\n`)
    process.exit(1)
  })
}

process.on('SIGTERM', () => process.exit())
