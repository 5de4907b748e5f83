// Without effect: keys that exist and would do nothing where they stand, and why. A key that is accepted has an effect; these are
// refused in words.

/** Why a key that other platforms have is refused on this one: it would have no effect. */
export const WITHOUT_EFFECT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  web: {
    token: 'has no effect on a web channel: its visitors are let in by gateway.token',
    api_root: 'has no effect on a web channel: it is served by the gateway itself',
    group_policy: 'has no effect on a web channel: it has no groups',
    'routes.dm': 'has no effect on a web channel: all its conversations are direct; use default',
    'routes.group': 'has no effect on a web channel: it has no groups',
  },
}
