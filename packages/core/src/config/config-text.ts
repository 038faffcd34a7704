/**
 * Fields that transformers 5 refuses as whole numbers, of all configuration classes whose families tfx has: those whose
 * type there is `float` without `int`.
 */
const floatFields: ReadonlySet<string> = new Set([
  ...['attn_logit_softcapping', 'final_logit_softcapping', 'encoder_layerdrop', 'decoder_layerdrop'],
  ...['init_std', 'initializer_cutoff_factor', 'initializer_factor', 'initializer_range'],
  ...['layer_norm_eps', 'layer_norm_epsilon', 'norm_eps', 'rms_norm_eps'],
])

/** The text of a config.json, with `30.0` where Python wants it and JavaScript's JSON says `30`. */
export function configText(json: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(json, undefined, 2)
  // Only the object's own fields are indented by two, and no string has a line break of its own.
  const fields = text.replace(/^ {2}"(\w+)": -?\d+(?=,?$)/gm, (line, field: string) =>
    floatFields.has(field) ? `${line}.0` : line,
  )
  return `${fields}\n`
}
