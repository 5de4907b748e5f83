// Guards: who may read the relay. It listens on loopback, where every web page that is open on this machine can reach it too.
//   I5. Only pages of this machine and Stately's own page are answered; programs send no Origin.

/** A page whose name was pointed at 127.0.0.1 says that name here. */
export function isHostAllowed(host: string | undefined): boolean {
  return host !== undefined && isLoopback(hostname(host))
}

export function isOriginAllowed(origin: string | undefined, page: string): boolean {
  if (origin === undefined) return true
  const url = URL.parse(origin)
  return url !== null && (url.origin === new URL(page).origin || (isWeb(url) && isLoopback(url.hostname)))
}

function isWeb({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:'
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

/** `name:port` or `[v6]:port` without the port, in lower case. */
function hostname(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}
