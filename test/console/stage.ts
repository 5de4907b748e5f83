// Stage: the real port and the real web adapter with the gateway double behind them, and a page in front.

import type { Page } from 'playwright-core'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { realWorld } from '../../src/world.ts'
import { type ChannelDouble, createGatewayDouble, type GatewayDouble, silentLog } from '../http/double.ts'
import { type Pages, usePages } from './browser.ts'

export interface Stage {
  readonly pages: Pages
  readonly gateway: GatewayDouble
  readonly url: string
  open(options?: { token?: string; path?: string; set?: (gateway: GatewayDouble) => void }): Promise<Page>
  channel(id: string): ChannelDouble
  /** Ends the server. */
  end(): Promise<void>
  /** Starts it again on its port, with the same gateway behind it. */
  startAgain(): Promise<void>
}

/** For one test file. */
export function useStage(): Stage {
  let server: HttpServer
  let gateway: GatewayDouble
  const pages = usePages(() => server.close())
  const start = (port: number, token: string | null): Promise<HttpServer> => {
    const world = realWorld({})
    return startHttp({
      host: '127.0.0.1',
      port,
      allowedOrigins: () => [],
      token: () => token,
      gateway,
      log: silentLog,
      world,
    })
  }
  return {
    pages,
    get gateway() {
      return gateway
    },
    get url() {
      return server.url
    },
    async open({ token, path = '/', set = () => {} } = {}) {
      gateway = createGatewayDouble(realWorld({}), ['cfo', 'ops'])
      set(gateway)
      server = await start(0, token ?? null)
      return pages.open(`${server.url}${path}`)
    },
    channel(id) {
      const found = gateway.channels.get(id)
      if (found === undefined) throw new Error(`the double has no channel ${id}`)
      return found
    },
    end: () => server.close(),
    async startAgain() {
      server = await start(server.port, null)
    },
  }
}
