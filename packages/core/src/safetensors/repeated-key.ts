/**
 * The first key that an object in a JSON text has twice. `JSON.parse` keeps the last one silently, so that two
 * readers could see different tensors in one file.
 *
 * @param text Valid JSON.
 */
export function repeatedKey(text: string): string | undefined {
  // One set of keys for each open object; arrays have none.
  const open: (Set<string> | undefined)[] = []
  const token = /["{}[\]]/g
  const colon = /\s*:/y
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match
    if (found === '{') open.push(new Set())
    else if (found === '[') open.push(undefined)
    else if (found === '}' || found === ']') open.pop()
    else {
      const end = endOfString(text, match.index)
      token.lastIndex = end
      colon.lastIndex = end
      if (!colon.test(text)) continue
      const key = JSON.parse(text.slice(match.index, end)) as string
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}

/** Not by a regular expression: on a string of megabytes it would overflow the stack. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const character = text[index]
    if (character === '"') return index + 1
    if (character === '\\') index++
  }
  return text.length
}
