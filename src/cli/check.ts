// Check: `troupe check`, the file judged offline: every problem at once.

import { demoDefinition } from '../config/demo.ts'
import { type LoadResult, loadFile } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problems.ts'
import { type Command, CONFIG, type Context, type Invocation, JSON_OUTPUT } from './command.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { USUAL_FILE } from './file.ts'

export const checkCommand: Command = {
  name: 'check',
  summary: 'validate the configuration offline; prints every problem at once',
  options: [CONFIG, JSON_OUTPUT],
  examples: [
    'troupe check                      # ./gateway.yaml: 0 fine, 1 only variables are missing, 78 problems',
    'troupe check --config bots.yaml --json',
  ],
  run: check,
}
