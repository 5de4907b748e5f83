// Secret: what a reference in a definition stands for, at the moment of asking: the file may have been read anew since.

import type { SecretReference } from '../../machines/definitions.ts'
import type { Loaded } from '../config/load.ts'

export function secretFrom({ secrets }: Loaded): (reference: SecretReference) => string {
  return (reference) => secrets.resolve(reference)
}
