// Channel: the real actor on the real store against what can be seen of it (see channel-model.ts, channel-partitions.ts).

import { channelMachine } from '../../machines/channel.ts'
import { changed, without } from '../support/broken.ts'
import { type AnyPart, modelSuite, part } from '../support/model-suite.ts'
import { channelModel } from './channel-model.ts'
import { partitions, partitionsSubject } from './channel-partitions.ts'
import { servers, serversSubject } from './channel-servers.ts'
import { type ChannelPart, CONNECTION, LACKING, REDEFINED, REDEFINED_AT_REST } from './channel-parts.ts'
import { type ChannelLogic, channelSubject } from './channel-subject.ts'

type Change = (real: ChannelLogic) => ChannelLogic

function look({ first, events, possible }: ChannelPart, broken: Readonly<Record<string, Change>>): AnyPart {
  return part({
    model: { machine: channelModel(first), events, possible },
    subject: (taken) => channelSubject({ first, taken }),
    look: ({ context }) => [context.at, context.files],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => channelSubject({ first, broken: change })]),
    ),
  })
}

function lookAtPartitions(broken: Readonly<Record<string, Change>>): AnyPart {
  return part({
    model: partitions,
    subject: (taken) => partitionsSubject({ taken }),
    look: ({ context }) => [context.at, context.written, context.sweeps],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => partitionsSubject({ broken: change })]),
    ),
  })
}

function lookAtServers(broken: Readonly<Record<string, Change>>): AnyPart {
  return part({
    model: servers,
    subject: (taken) => serversSubject({ taken }),
    look: ({ context }) => [context.newest, context.heard?.at(-1)],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => serversSubject({ broken: change })]),
    ),
  })
}

const OPEN = ['states', 'open', 'states']
const LIVE = [...OPEN, 'live', 'states']
const CLOSING = [...OPEN, 'closing', 'on']
const FAILURE = ['on', 'xstate.error.actor.*']

modelSuite({
  name: 'channel',
  charts: [channelMachine],
  parts: {
    'one connection': look(CONNECTION, {
      'S11: restart without intensity': (real) => real.provide({ delays: { backoff: 0 } }),
      'S5: what cannot help is tried again': (real) => real.provide({ guards: { isPermanent: () => false } }),
      'C2: another connection is opened before the old one has ended': changed([...CLOSING, 'control', '2'], {
        target: '#channel.open',
        reenter: true,
      }),
      'C2: a connection that does not end is not said to be stuck': changed([...OPEN, 'closing', 'after'], {}),
      'S11: a connection that stayed up has not earned a fresh wait': changed([...OPEN, 'live', 'after'], {}),
      'an operator’s pause is forgotten when the connection ends': changed(
        [...CLOSING, 'connection.ended', '0', 'target'],
        '#channel.retrying',
      ),
    }),
    'a newer definition while it is live': look(REDEFINED, {
      'C2: the old connection is given up before anybody was asked about the new one': changed(
        [...LIVE, 'serving', 'always', '1', 'target'],
        '#channel.open.closing',
      ),
      'C1: there is no way back': (real) => real.provide({ guards: { hasWayBack: () => false } }),
      'C1: a definition that never answers is tried for ever': (real) =>
        real.provide({ guards: { isSilentOnTrial: () => false } }),
      'a trial has no deadline': changed([...LIVE, 'trying', 'after'], {}),
      'who may speak is not told to the connection': without(
        ['states', 'open', 'on', 'redefined', '1', 'actions'],
        'tellConnection',
      ),
    }),
    'a newer definition in every other state': look(REDEFINED_AT_REST, {
      'what waits while it is paused is not taken': changed(['states', 'paused', 'always'], []),
      'sessions are not told what is served': without(['states', 'recovering', 'on', 'redefined', 'actions'], 'passOn'),
      'S5: what lacks a variable costs the one that worked': (real) =>
        real.provide({ guards: { lacksSomethingAndHasWayBack: () => false } }),
    }),
    'a definition that lacks something': look(LACKING, {
      'S5: it starts all the same': (real) => real.provide({ guards: { lacksSomething: () => false } }),
    }),
    'the MCP servers of its agents': lookAtServers({
      'an agent’s server is not told that nobody waits': changed(['on', 'mcp.withdrawn'], {}),
      'who asks next asks an actor that is gone': without([...FAILURE, '1', 'actions'], 'dropServer'),
      'a newer file is not told to it': without(['states', 'recovering', 'on', 'redefined', 'actions'], 'redefine'),
    }),
    'the partitions behind it': lookAtPartitions({
      'M5: what a lost partition leaves is given up when the disk fails': without(
        [...FAILURE, '2', 'actions'],
        'recoverLater',
      ),
      'M5: nobody asks what a lost partition leaves': without([...FAILURE, '0', 'actions'], 'replacePartition'),
      'a second sweep begins before the first is over': (real) => real.provide({ guards: { isSwept: () => true } }),
      'S44: what is accepted in a drain begins': changed([...CLOSING, 'message.accepted'], { actions: 'routeMessage' }),
      'S44: runs are not told that their time is over': changed(['on', 'halt', 'actions'], []),
    }),
  },
})
