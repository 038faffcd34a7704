// A worker thread cannot read TypeScript as the tests do. This plugin of Vitest has `new URL('./thread.js', import.meta.url)`
// name a bundle of thread.ts, made anew of the sources of all packages.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type OnResolveResult, type PluginBuild } from 'esbuild'
import type { Plugin } from 'vitest/config'

const repository = fileURLToPath(new URL('..', import.meta.url))
const address = "new URL('./thread.js', import.meta.url)"

export function threadBundles(): Plugin {
  const bundles = new Map<string, Promise<string>>()
  return {
    name: 'thread-bundles',
    enforce: 'pre',
    async transform(code, id) {
      const entry = join(dirname(id), 'thread.ts')
      if (!code.includes(address) || !existsSync(entry)) return undefined
      const bundled = bundles.get(entry) ?? bundle(entry)
      bundles.set(entry, bundled)
      return { code: code.replace(address, `new URL(${JSON.stringify(await bundled)})`), map: null }
    },
  }
}

/** Returns the address of the bundle. */
async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Maps @tfx/* to the sources.
    tsconfig: join(repository, 'tsconfig.json'),
    plugins: [{ name: 'external', setup: keepLibrariesOut }],
  })
  const folder = join(repository, 'output', 'threads')
  const file = join(folder, `${basename(dirname(dirname(entry)))}.mjs`)
  mkdirSync(folder, { recursive: true })
  const { text } = outputFiles[0]!
  // Another run of the tests may be reading it.
  if (contentsOf(file) !== text) writeFileSync(file, text)
  return pathToFileURL(file).href
}

/** Names libraries by where the package that imports them finds them; as in the builds, tfjs's gradients are bundled. */
function keepLibrariesOut(bundling: PluginBuild): void {
  bundling.onResolve(
    { filter: /^[^./]/ },
    async ({ path, pluginData, ...from }): Promise<OnResolveResult | undefined> => {
      const isOurs = path.startsWith('@tfx/') || path.includes('tfjs-core/dist/')
      if (isOurs || path.startsWith('node:') || pluginData === 'resolving' || from.kind === 'entry-point')
        return undefined
      const found = await bundling.resolve(path, { ...from, pluginData: 'resolving' })
      return found.external || found.errors.length > 0
        ? found
        : { path: pathToFileURL(found.path).href, external: true }
    },
  )
}

function contentsOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
