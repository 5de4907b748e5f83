// HTTP addresses: which hosts the http tools may speak to. Pure.
//   Public addresses, and what the agent's `http: allow` lists; nothing else: no loopback, private, link-local, shared, reserved
//   or multicast address, no form in which one of them hides in an IPv6 address, and no cloud's metadata.
//   Only an address is judged, never a name by its looks: whoever owns a name can point it anywhere.

import { BlockList, isIP } from 'node:net'

export interface Target {
  /** As a URL has it: lower case, numbers in their plain form, IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

/** Host and port of a URL. */
export function targetOf(url: URL): Target {
  const usual = url.protocol === 'https:' ? 443 : 80
  return { host: url.hostname, port: url.port === '' ? usual : Number(url.port) }
}

/** Whether the list names this host, or this address as a host, with this port or with none. */
export function isListed(allow: readonly string[], { host, port }: Target): boolean {
  return allow.some((entry) => entry === host || entry === `${host}:${port}`)
}

/** Whether anybody may be there: an address of the public internet. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !NOT_PUBLIC_4().check(address, 'ipv4')
  // A zone (`%eth0`) names a link of this machine.
  return family === 6 && !address.includes('%') && isPublic6(address)
}

/** The host of an address, in the form that a URL has. */
export function hostOfAddress(address: string): string {
  return isIP(address) === 6 ? (URL.parse(`http://[${address}]/`)?.hostname ?? address) : address
}

/** Only 2000::/3 was ever given out; mapped, translated, local and multicast addresses are all outside. */
function isPublic6(address: string): boolean {
  const given = new BlockList()
  given.addSubnet('2000::', 3, 'ipv6')
  return given.check(address, 'ipv6') && !NOT_PUBLIC_6().check(address, 'ipv6')
}

function NOT_PUBLIC_4(): BlockList {
  return listOf(
    'ipv4',
    ['0.0.0.0', 8], // this host
    ['10.0.0.0', 8], // private
    ['100.64.0.0', 10], // shared by a provider's customers
    ['127.0.0.0', 8], // loopback
    ['168.63.129.16', 32], // a cloud's metadata under a public number
    ['169.254.0.0', 16], // link-local, and clouds' metadata
    ['172.16.0.0', 12], // private
    ['192.0.0.0', 24], // protocol assignments
    ['192.0.2.0', 24], // documentation
    ['192.88.99.0', 24], // 6to4 relays
    ['192.168.0.0', 16], // private
    ['198.18.0.0', 15], // benchmarks
    ['198.51.100.0', 24], // documentation
    ['203.0.113.0', 24], // documentation
    ['224.0.0.0', 4], // multicast
    ['240.0.0.0', 4], // reserved, and broadcast
  )
}

function NOT_PUBLIC_6(): BlockList {
  return listOf(
    'ipv6',
    ['2001::', 23], // protocol assignments: Teredo hides an IPv4 address
    ['2001:db8::', 32], // documentation
    ['2002::', 16], // 6to4 hides an IPv4 address
    ['3fff::', 20], // documentation
  )
}

function listOf(
  family: 'ipv4' | 'ipv6',
  ...subnets: readonly (readonly [network: string, prefix: number])[]
): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family)
  return list
}
