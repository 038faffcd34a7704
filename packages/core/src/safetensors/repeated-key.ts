/**
 * The first key that an object in a JSON text has twice. `JSON.parse` keeps the last one silently, so that two
 * readers could see different tensors in one file.
 *
 * @param text Valid JSON.
 */
export function repeatedKey(text: string): string | undefined {
  // One set of keys for each open object; arrays have none.
  const open: (Set<string> | undefined)[] = []
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found, colon] = match
    if (found === '{') open.push(new Set())
    else if (found === '[') open.push(undefined)
    else if (found === '}' || found === ']') open.pop()
    else if (colon !== undefined) {
      const key = JSON.parse(found.slice(0, -colon.length)) as string
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}
