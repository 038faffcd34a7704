import type { ParameterSpecs } from '../blocks/parameters'
import type { ModelFamily } from '../models'

/** Which tensor of a checkpoint is which parameter of a model. */
export interface NameMap {
  /** Parameter → name of the tensor in the checkpoint. */
  readonly stored: ReadonlyMap<string, string>
  /** Tensors that the model has no use for. */
  readonly unexpected: readonly string[]
}

/**
 * Finds the parameters of a model in a checkpoint, also where the backbone was saved alone, without its prefix
 * (`embeddings.…` for `bert.embeddings.…`), and where LayerNorms have their TensorFlow names (`gamma`, `beta`).
 */
export function matchNames(names: Iterable<string>, family: ModelFamily, specs: ParameterSpecs): NameMap {
  const stored = new Map<string, string>()
  const unexpected: string[] = []
  for (const name of names) {
    const parameter = parameterFor(name, family, specs)
    if (parameter !== undefined && (!stored.has(parameter) || name === parameter)) stored.set(parameter, name)
    else if (parameter === undefined && !isRedundant(name, family)) unexpected.push(name)
  }
  return { stored, unexpected }
}

function parameterFor(name: string, family: ModelFamily, specs: ParameterSpecs): string | undefined {
  const modern = name
    .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/LayerNorm\.beta$/, 'LayerNorm.bias')
  const candidates = [modern, family.aliases[modern], family.backbonePrefix + modern]
  return candidates.find((candidate) => candidate !== undefined && Object.hasOwn(specs, candidate))
}

/** Buffers that older versions saved, and copies of tied weights. */
function isRedundant(name: string, family: ModelFamily): boolean {
  return (
    /(^|\.)(position_ids|attn\.(masked_)?bias|EncDecAttention\.relative_attention_bias\.weight|embed_positions\.weights?|rotary_emb\.inv_freq)$/.test(
      name,
    ) || family.tiedCopies.some((copy) => copy === name || copy === family.backbonePrefix + name)
  )
}
