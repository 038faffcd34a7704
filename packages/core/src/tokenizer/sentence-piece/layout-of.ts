import { CheckpointError } from '@tfx/common'
import { type Configuration, type Layout, layouts } from './layouts'

/** The class that transformers takes for a `model_type` of config.json. */
const classes: Readonly<Record<string, string>> = {
  t5: 'T5Tokenizer',
  mt5: 'T5Tokenizer',
  albert: 'AlbertTokenizer',
  pegasus: 'PegasusTokenizer',
  'deberta-v2': 'DebertaV2Tokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
  mbart: 'MBartTokenizer',
  m2m_100: 'NllbTokenizer',
  llama: 'LlamaTokenizer',
  mistral: 'LlamaTokenizer',
  phi3: 'LlamaTokenizer',
  gemma: 'GemmaTokenizer',
  gemma2: 'GemmaTokenizer',
  gemma3: 'GemmaTokenizer',
  gemma3_text: 'GemmaTokenizer',
}

/**
 * How a checkpoint uses its SentencePiece model: `tokenizer_class` of tokenizer_config.json says, else
 * `model_type` of config.json.
 *
 * @throws CheckpointError if neither names a family that is known.
 */
export function layoutOf(options: {
  config: Configuration
  modelType: unknown
  /** The model's file. */
  file: string
}): Layout {
  const { config, file } = options
  const modelType = typeof options.modelType === 'string' ? options.modelType : ''
  const given = typeof config.tokenizer_class === 'string' ? config.tokenizer_class : ''
  const known = (wanted: string | undefined) => layouts.find((layout) => layout.name === wanted)
  const layout = known(given.replace(/Fast$/, '').replace(/^MT5/, 'T5')) ?? known(classes[modelType])
  if (layout) return layout
  throw new CheckpointError({
    function: 'loadTokenizer',
    argument: file,
    expected: `a SentencePiece model whose use tokenizer_config.json or config.json tells: 'tokenizer_class' one of ${layouts.map(({ name }) => name).join(', ')}`,
    received: `tokenizer_class ${given || 'absent'}, model_type ${modelType || 'absent'}`,
    remedy:
      "Add the file that says so, or convert it once, in Python by AutoTokenizer.from_pretrained('directory').save_pretrained('directory').",
  })
}
