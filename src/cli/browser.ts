// Browser: opens an address in the browser of whoever sits at this machine.
//   Never throws and never waits long: that nobody sits there is an answer.

import { spawn } from 'node:child_process'
import type { World } from '../world.ts'

/** An opener hands the address on and ends; one that is still there by then is the browser itself. */
const OPENED_MS = 2_000

/** False: there is no browser, or none that could be started. */
export function openBrowser(url: string, { environment, clock }: World): Promise<boolean> {
  const [command, ...before] = openerOf(environment)
  if (command === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const opener = spawn(command, [...before, url], { detached: true, stdio: 'ignore', env: { ...environment } })
    const timer = clock.setTimeout(() => resolve(true), OPENED_MS)
    const end = (isOpen: boolean): void => {
      clock.clearTimeout(timer)
      resolve(isOpen)
    }
    opener.once('error', () => end(false))
    opener.once('exit', (code) => end(code === 0))
    opener.unref()
  })
}

function openerOf(environment: World['environment']): readonly string[] {
  switch (process.platform) {
    case 'darwin':
      return ['open']
    case 'win32':
      return ['cmd.exe', '/c', 'start', '']
    default: {
      // Without one of these nobody looks at a screen: on a server, or at the other end of ssh.
      const hasScreen = ['DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER'].some((name) => (environment[name] ?? '') !== '')
      return hasScreen ? ['xdg-open'] : []
    }
  }
}
