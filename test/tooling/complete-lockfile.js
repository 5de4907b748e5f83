// Complete lockfile: run after an `npm install` that changed package-lock.json. A tool names one optional package for each
// platform; where the registry did not serve one of them, npm leaves it out of the lockfile, and from then on every
// `npm ci` refuses the lockfile as out of step. This writes the entries that are missing: the version that their parent
// names, and the platform, so that npm skips them everywhere else. They carry no integrity: nobody has seen the file.
// With --check it writes nothing, names what is missing, and exits 1 when something is.

import { readFileSync, writeFileSync } from 'node:fs'

const SYSTEM = /(android|darwin|freebsd|linux|win32|openharmony|aix|sunos|netbsd|openbsd)/
const PROCESSOR = /(arm64|x64|ppc64|riscv64|s390x|ia32|wasm32|loong64|arm)/

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const missing = missingFrom(lockfile.packages)
const names = Object.keys(missing)
if (process.argv.includes('--check')) {
  for (const name of names) console.error(`${name} is missing from package-lock.json: npm ci would refuse it`)
  process.exit(names.length === 0 ? 0 : 1)
}

const [root, ...others] = Object.entries({ ...lockfile.packages, ...missing })
lockfile.packages = Object.fromEntries([root, ...others.sort(([a], [b]) => a.localeCompare(b, 'en'))])
writeFileSync('package-lock.json', `${JSON.stringify(lockfile, null, 2)}\n`)
console.log(`${names.length} entries added to package-lock.json`)

/** Optional packages that a locked package names and that stand nowhere above it. */
function missingFrom(packages) {
  const entries = {}
  for (const [path, { optionalDependencies, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
      if (placesAbove(path, name).some((place) => place in packages)) continue
      // Beside a nested parent, as npm would nest it: the version at the top level may be another one.
      entries[`${path.slice(0, path.lastIndexOf('node_modules/'))}node_modules/${name}`] = {
        version,
        ...platformOf(name),
        ...(dev === true ? { dev } : {}),
        optional: true,
      }
    }
  }
  return entries
}

/** Where Node would look for a package from another one: in it, beside it, and beside each package that holds it. */
function placesAbove(path, name) {
  const folders = path
    .split('/node_modules/')
    .map((_, depth, all) => `${all.slice(0, depth + 1).join('/node_modules/')}/`)
  return ['', ...folders].map((folder) => `${folder}node_modules/${name}`)
}

function platformOf(name) {
  const [os] = SYSTEM.exec(name) ?? []
  const [cpu] = PROCESSOR.exec(name) ?? []
  if (cpu === undefined) throw new Error(`${name} names no platform: lock it by hand`)
  const libc = /musl/.test(name) ? 'musl' : /gnu/.test(name) ? 'glibc' : undefined
  return {
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  }
}
