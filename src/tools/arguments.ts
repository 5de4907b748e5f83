// Arguments: what a model gave, read as what the tool's schema promises it to be. Pure.

import type { ToolInput } from './tool.ts'

export function textOf(input: ToolInput, key: string, usual = ''): string {
  const value = input[key]
  return typeof value === 'string' ? value : usual
}

export function numberOf(input: ToolInput, key: string, usual: number): number {
  const value = input[key]
  return typeof value === 'number' ? value : usual
}
