#!/usr/bin/env node
// Bin: what `troupe` runs first, under whatever Node the machine has. Owns one question: is this Node new enough?
// If not, the Node that a checkout brings along takes over with the same arguments; without one, a sentence says what to do.
//   Written for old parsers: no TypeScript, no top-level await, no imports but Node's own. The rest of Troupe could not even
//   be read by the Nodes that this file must be able to speak to.
//   To whoever started it, the Node that takes over is this process: signals, exit codes and a kill reach both.

import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

/** The lowest version that package.json allows in `engines`; a test holds the two together. */
var NEEDED = [24, 15]

var EXIT_TOO_OLD = 1
var EXIT_DEFECT = 70

/** What is still open when main has ended (a kept-alive connection, say) gets this long before the process ends anyway. */
var CLOSING_MS_MAX = 1000

/** Names the process that took over, and tells it that it was. */
var TAKEN_OVER = '--title=troupe'

// To read the file anew, before it was read at all, is nothing to do; and nothing to die of.
if (process.argv[2] === 'start') process.on('SIGHUP', function () {})

if (!isNewEnough(process.versions.node)) takeOver(fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url)))
else runMain()

/** TypeScript in a checkout, JavaScript in the published package: whichever stands beside this file. */
function runMain() {
  // What a start loads stays, and the young generation would keep for good the pages that it grows by meanwhile: 20 MB of 143 with fifty
  // bots (`npm run bench -- --only start`). From the roll call on it grows with the load: see cli/start.ts.
  if (process.argv[2] === 'start') setFlagsFromString('--semi-space-growth-factor=1')
  if (process.connected && process.execArgv.indexOf(TAKEN_OVER) >= 0) dieWithParent()
  // Compiled code is kept between starts, in a folder that is ours alone: commands start in about half the time, and a gateway
  // is 25 MB smaller. Where it cannot be written nothing is kept.
  nodeModule.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/troupe', import.meta.url)))
  var source = new URL('./main.ts', import.meta.url)
  var main = existsSync(source) ? source : new URL('./main.js', import.meta.url)
  findOwnNames(existsSync(source) ? '.ts' : '.js')
  import(main.href).then(callMain, function (thrown) {
    say('it could not be loaded: ' + thrown.message + '. Install it again; in a checkout with `npm ci`.')
    process.exit(EXIT_DEFECT)
  })
}

/**
 * What a user's module imports from `troupe/…` is of the program that runs it: in a checkout nothing is built, and a program that is
 * installed for the whole machine stands in no folder of theirs.
 */
function findOwnNames(ending) {
  var own = {
    'troupe/tool': './tools/define-tool',
    'troupe/hook': './tools/define-hook',
    'troupe/channel': './channels/define-channel',
  }
  nodeModule.registerHooks({
    resolve: function (specifier, context, next) {
      var path = Object.hasOwn(own, specifier) ? new URL(own[specifier] + ending, import.meta.url).href : specifier
      return next(path, context)
    },
  })
}

/** main takes the arguments and resolves with the exit code once everything is closed. */
function callMain(loaded) {
  loaded.main(process.argv.slice(2)).then(
    function (code) {
      process.exitCode = code
      setTimeout(function () {
        process.exit()
      }, CLOSING_MS_MAX).unref()
    },
    function (thrown) {
      // Only its name: main answers what it foresees, and the message of anything else may hold a secret (A3).
      say('it was stopped by a defect (' + (thrown && thrown.name) + ').')
      process.exit(EXIT_DEFECT)
    },
  )
}

function takeOver(pinned) {
  if (!existsSync(pinned) || realpathSync(pinned) === realpathSync(process.execPath)) {
    // In the words of machines/phases.ts: what this machine lacks is found in `requires`.
    say(
      'requires: troupe needs Node ' + NEEDED.join('.') + ' or newer, and this is Node ' + process.versions.node + '.',
    )
    say(
      'requires: it runs after you install Node ' +
        NEEDED[0] +
        ' (nodejs.org); in a checkout on Linux `npm ci` brings it along.',
    )
    process.exit(EXIT_TOO_OLD)
  }
  var commandLine = [TAKEN_OVER, fileURLToPath(import.meta.url)].concat(process.argv.slice(2))
  var child = spawn(pinned, commandLine, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  forwardSignals(child)
  child.on('error', function (error) {
    say('requires: could not start ' + pinned + ': ' + error.message + '. Run `npm ci` again.')
    process.exit(EXIT_TOO_OLD)
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function forwardSignals(child) {
  var forward = function (signal) {
    // A terminal sends Ctrl-C to the whole group: the child has it already, and a second one would mean "at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  process.on('SIGHUP', forward)
}

/** A parent that was killed outright cannot forward it; the line to it breaks, and that says the same. */
function dieWithParent() {
  process.on('disconnect', function () {
    process.kill(process.pid, 'SIGKILL')
  })
  // Watching must not keep a finished program alive.
  process.channel.unref()
}

function isNewEnough(version) {
  var parts = version.split('.').map(Number)
  return parts[0] > NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] >= NEEDED[1])
}

function say(sentence) {
  process.stderr.write('troupe: ' + sentence + '\n')
}
