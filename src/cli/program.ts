// Program: the command line of `troupe`, put together from the commands. The one file that knows commander.
//   Wrong usage ends with 64 and the command's usage; help and version with 0.
//   Whatever a command throws ends here: foreseen failures as a sentence, everything else as a defect (70).

import { Command as CommanderCommand, CommanderError, InvalidArgumentError, Option as CommanderOption } from 'commander'
import type { Command, Context, Option, Options } from './command.ts'
import { COMMANDS, GROUPS } from './commands.ts'
import { EXIT, type ExitCode, foreseen } from './exit.ts'
import { sayDefect } from './last-resort.ts'

export async function runProgram(args: readonly string[], context: Context): Promise<ExitCode> {
  const ended: { code: ExitCode } = { code: EXIT.fine }
  try {
    await programOf(context, ended).parseAsync(args, { from: 'user' })
    return ended.code
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.fine : EXIT.usage
    const failure = foreseen(thrown)
    if (failure === null) sayDefect(context, thrown)
    else context.terminal.err(`troupe: ${failure.sentence}`)
    return failure?.code ?? EXIT.defect
  }
}

function programOf(context: Context, ended: { code: ExitCode }) {
  const { terminal, version } = context
  const program = new CommanderCommand('troupe')
    .description('Many chat bots in one process: every channel and every session an actor.')
    .version(version, '-V, --version', 'print the version')
    .option('--debug', 'log more, and show the stack of a defect')
    .helpOption('-h, --help', 'explain the command')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeErr(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  program.showHelpAfterError('Usage: troupe [options] [command]\nSee troupe --help.')
  const found = new Map<string, CommanderCommand>()
  for (const command of COMMANDS) {
    const [first = '', second] = command.name.split(' ')
    if (second === undefined) declare(program.command(first), command, { context, ended })
    else {
      const group = found.get(first) ?? declareGroup(program.command(first))
      found.set(first, group)
      declare(group.command(second), command, { context, ended })
    }
  }
  return program
}

function declareGroup(target: CommanderCommand): CommanderCommand {
  const summary = GROUPS[target.name()] ?? ''
  const members = COMMANDS.filter((command) => command.name.startsWith(`${target.name()} `))
  return target
    .description(sentence(summary))
    .summary(summary)
    .addHelpText('after', examplesText(members.flatMap(({ examples }) => examples.slice(0, 1))))
    .showHelpAfterError(`Usage: troupe ${target.name()} [command]\nSee troupe ${target.name()} --help.`)
}

function declare(
  target: CommanderCommand,
  command: Command,
  { context, ended }: { context: Context; ended: { code: ExitCode } },
): void {
  target.description(sentence(command.summary)).summary(command.summary)
  for (const { form, says } of command.arguments ?? []) target.argument(form, says)
  for (const option of command.options ?? []) target.addOption(declared(option))
  target.addHelpText('after', [examplesText(command.examples), ...(command.notes ?? [])].join('\n'))
  target.showHelpAfterError(`Usage: troupe ${command.name} ${target.usage()}\nSee troupe ${command.name} --help.`)
  target.action(async () => {
    const given = optionsOf(target.opts())
    ended.code = await command.run({ context, arguments: target.args, options: given })
  })
}

function declared({ flags, says, takes, choices, mustBeGiven }: Option): CommanderOption {
  const option = new CommanderOption(flags, says)
  if (takes === 'port') option.argParser((text) => whole(text, { least: 0, most: 65_535 }))
  if (takes === 'rows') option.argParser((text) => whole(text, { least: 1, most: 1_000 }))
  if (choices !== undefined) option.choices(choices)
  else if (takes === undefined && option.required) option.argParser(filled)
  return option.makeOptionMandatory(mustBeGiven ?? false)
}

function whole(text: string, { least, most }: { least: number; most: number }): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
}

/** An empty text is a variable that is not set, in whatever script calls this: it stands for no file, folder or address. */
function filled(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It is empty.')
}

/** Commander keeps `--json-logs` as `jsonLogs`, and `--no-open` as an `open` that is false. */
function optionsOf(values: Readonly<Record<string, unknown>>): Options {
  const valueOf = (name: string): unknown => values[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  return {
    text: (name) => (typeof valueOf(name) === 'string' ? String(valueOf(name)) : undefined),
    number: (name) => (typeof valueOf(name) === 'number' ? Number(valueOf(name)) : undefined),
    given: (name) => (name.startsWith('no-') ? valueOf(name.slice(3)) === false : valueOf(name) !== undefined),
  }
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
}

function examplesText(examples: readonly string[]): string {
  return ['', 'Examples:', ...examples.map((example) => `  ${example}`)].join('\n')
}

const AFTER_HELP = `
Examples:
  troupe start                  # ./gateway.yaml; without one a demo workforce: no key, no network
  troupe init                   # a commented gateway.yaml to begin from
  troupe check && troupe start --strict
  troupe chat                   # talk to the first agent, in this terminal

Exit codes:
  0    a clean stop; everything is fine
  1    a check, a probe or a --strict start failed; what was named does not exist
  64   wrong usage
  70   a defect of Troupe
  75   try again later: the port is taken, or another gateway holds the data folder
  78   the configuration is wrong: a supervisor must not restart
  130  a second SIGINT, 143 a second SIGTERM: stopped at once`
