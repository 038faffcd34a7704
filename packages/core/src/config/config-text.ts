/**
 * Fields that transformers 5 refuses as whole numbers: those of all configuration classes whose families tfx has that are
 * `float` there without `int`, and those of generation whose processors want a `float`.
 */
const floatFields: ReadonlySet<string> = new Set([
  ...['attn_logit_softcapping', 'final_logit_softcapping', 'encoder_layerdrop', 'decoder_layerdrop'],
  ...['init_std', 'initializer_cutoff_factor', 'initializer_factor', 'initializer_range'],
  ...['layer_norm_eps', 'layer_norm_epsilon', 'norm_eps', 'rms_norm_eps'],
  ...['temperature', 'repetition_penalty', 'encoder_repetition_penalty', 'diversity_penalty'],
])

/** The text of a config.json or generation_config.json, with `30.0` where Python wants it and JavaScript's JSON says `30`. */
export function configText(json: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(json, undefined, 2)
  // Only the object's own fields are indented by two, and no string has a line break of its own.
  const fields = text.replace(/^ {2}"(\w+)": -?\d+(?=,?$)/gm, (line, field: string) =>
    floatFields.has(field) ? `${line}.0` : line,
  )
  // The biases of sequence_bias: [[[token, …], bias], …].
  return `${fields.replace(/(?<=\],\n {6}-?\d+)(?=\n {4}\])/g, '.0')}\n`
}
