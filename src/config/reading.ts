// Reading: what a schema says of a plain value, in words of our own. Knows no schema library.

export type Issue =
  | { readonly kind: 'unknownKey'; readonly path: (string | number)[]; readonly key: string }
  | { readonly kind: 'choice'; readonly path: (string | number)[]; readonly values: readonly string[] }
  | { readonly kind: 'wrong'; readonly path: (string | number)[]; readonly expected: string }

export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] }
