import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where downloads and tokens are kept if no other place is named: TFX_CACHE, else `~/.cache/tfx`. */
export function defaultCacheDirectory(): string {
  return process.env.TFX_CACHE ?? join(homedir(), '.cache', 'tfx')
}
