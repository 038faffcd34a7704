/** Fails unless the module exports something, and nothing that is undefined. */
exports.check = (name, module) => {
  const values = Object.entries(module)
  if (values.length === 0) throw new Error(`${name} exports nothing`)
  for (const [key, value] of values) {
    if (value === undefined) throw new Error(`${name} exports ${key} as undefined`)
  }
}
