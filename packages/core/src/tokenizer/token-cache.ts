import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packTokens, unpackTokens } from './token-file'
import type { TokenizedText, Tokenizer } from './tokenizer'

/** Texts or pairs of texts. */
export type Texts = readonly (string | readonly [string, string])[]

/** A directory with one file for each set of texts that was encoded. */
export interface TokenCache {
  readonly directory: string
  /** The files that were used longest ago are removed where all together are larger. */
  readonly maxBytes: number
}

const extension = '.tokens'

/** A file that another process writes takes seconds; one that is older was left behind. */
const abandonedAfterMilliseconds = 3_600_000

/** Texts hashed at a time. */
const chunkSize = 1024

/** What Marian's two sides, which are of the same files, encode differently. */
const probe =
  'Zwölf Boxkämpfer jagen Viktor quer über den großen Deich; the quick brown fox jumps over a lazy dog.'

/** Raised where a tokenizer of the same files comes to make other tokens, so that old ones are not used. */
const revision = 2

/** The name of what a tokenizer makes of texts: a hash of all that decides it. */
export function tokensKey(tokenizer: Tokenizer, texts: Texts, maxLength: number): string {
  const example = tokenizer.encode(probe).inputIds.join()
  const hash = createHash('sha256').update(`${revision} ${maxLength} ${example}`)
  for (const [name, bytes] of tokenizer.files) hash.update(`\n${name} ${bytes.length}\n`).update(bytes)
  for (let start = 0; start < texts.length; start += chunkSize) {
    // JSON tells apart what UTF-8 does not: lone surrogates.
    hash.update(JSON.stringify(texts.slice(start, start + chunkSize)))
  }
  return hash.digest('hex')
}

/** The tokens kept under a key; undefined if there are none, or the file is damaged. */
export async function readTokens(
  { directory }: TokenCache,
  key: string,
): Promise<TokenizedText[] | undefined> {
  const path = join(directory, key + extension)
  try {
    const tokens = unpackTokens(await readFile(path))
    if (tokens) await utimes(path, new Date(), new Date())
    return tokens
  } catch {
    return undefined
  }
}

/** Keeps tokens under a key. A disk that is full or read-only is no error: the tokens are made again. */
export async function writeTokens(
  { directory, maxBytes }: TokenCache,
  key: string,
  texts: readonly TokenizedText[],
): Promise<void> {
  const bytes = packTokens(texts)
  if (bytes === undefined || bytes.length > maxBytes) return
  const temporary = join(directory, `${key}.${randomUUID()}.tmp`)
  try {
    await mkdir(directory, { recursive: true })
    // Readable by nobody else: it is the text in other words.
    await writeFile(temporary, bytes, { mode: 0o600 })
    await rename(temporary, join(directory, key + extension))
    await prune(directory, maxBytes)
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

async function prune(directory: string, maxBytes: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /\.(tokens|tmp)$/.test(name))
  const files = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(directory, name))
      return { name, size, mtimeMs }
    }),
  )
  files.sort((a, b) => b.mtimeMs - a.mtimeMs)
  let total = 0
  for (const { name, size, mtimeMs } of files) {
    const isBeingWritten = name.endsWith('.tmp') && Date.now() - mtimeMs < abandonedAfterMilliseconds
    if (isBeingWritten) continue
    total += size
    if (total > maxBytes || name.endsWith('.tmp')) await rm(join(directory, name), { force: true })
  }
}
