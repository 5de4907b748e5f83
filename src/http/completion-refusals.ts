// Completion refusals: why a request of the OpenAI API is none that an agent can answer, with the key that it is about.

import { Refusal } from './answers.ts'

export function missing(key: string, what: string): Refusal {
  return bad(key, `"${key}" is missing, or is not ${what}.`)
}

export function bad(param: string, message: string): Refusal {
  return new Refusal(400, 'invalid_value', message).about(param)
}

export function unsupported(param: string, why: string): Refusal {
  return new Refusal(400, 'unsupported_parameter', `"${param}" is not supported here. ${why}`).about(param)
}

export function tooManyFiles(most: number): Refusal {
  return new Refusal(413, 'too_many_files', `A request has at most ${most} files.`).about('messages')
}

export function tooLong(message: string): Refusal {
  return new Refusal(413, 'string_above_max_length', message).about('messages')
}
