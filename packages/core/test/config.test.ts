import { loadFixture } from '@tfx/testing'
import { CheckpointError } from '@tfx/common'
import { describe, expect, it } from 'vitest'
import { configText } from '../src/config/config-text'
import { formatConfig, readConfig, supportedModelTypes, withLabels } from '../src/index'

const bert = { model_type: 'bert', vocab_size: 100 }
const distilbert = { model_type: 'distilbert', vocab_size: 100 }

describe('readConfig', () => {
  it('takes the defaults of BertConfig', () => {
    expect(readConfig(bert)).toEqual({
      modelType: 'bert',
      vocabSize: 100,
      hiddenSize: 768,
      numHiddenLayers: 12,
      numAttentionHeads: 12,
      intermediateSize: 3072,
      maxPositionEmbeddings: 512,
      typeVocabSize: 2,
      hiddenAct: 'gelu',
      layerNormEpsilon: 1e-12,
      hiddenDropout: 0.1,
      attentionDropout: 0.1,
      classifierDropout: 0.1,
      initializerRange: 0.02,
      padTokenId: 0,
      labels: ['LABEL_0', 'LABEL_1'],
      source: bert,
    })
  })

  it('takes the defaults of DistilBertConfig', () => {
    expect(readConfig(distilbert)).toMatchObject({
      modelType: 'distilbert',
      hiddenSize: 768,
      numHiddenLayers: 6,
      numAttentionHeads: 12,
      intermediateSize: 3072,
      hiddenDropout: 0.1,
      attentionDropout: 0.1,
      classifierDropout: 0.2,
    })
  })

  it.each([
    ['roberta', { padTokenId: 1, hiddenSize: 768, typeVocabSize: 2 }],
    ['xlm-roberta', { padTokenId: 1, hiddenSize: 768, typeVocabSize: 2 }],
    ['electra', { padTokenId: 0, hiddenSize: 256, numAttentionHeads: 4, embeddingSize: 128 }],
    ['mpnet', { padTokenId: 1, hiddenSize: 768, hiddenAct: 'gelu' }],
    ['albert', { hiddenSize: 4096, numAttentionHeads: 64, hiddenAct: 'gelu_new', hiddenDropout: 0 }],
  ])("takes the defaults of Hugging Face's %s", (model_type, defaults) => {
    expect(readConfig({ model_type, vocab_size: 100 })).toMatchObject(defaults)
  })

  it('lets the classifier take the hidden dropout unless it has its own', () => {
    const dropout = { ...bert, hidden_dropout_prob: 0.3 }
    expect(readConfig(dropout, { kind: 'encoder' }).classifierDropout).toBe(0.3)
    expect(readConfig({ ...dropout, classifier_dropout: null }, { kind: 'encoder' }).classifierDropout).toBe(
      0.3,
    )
    expect(readConfig({ ...dropout, classifier_dropout: 0 }, { kind: 'encoder' }).classifierDropout).toBe(0)
    expect(
      readConfig({ ...distilbert, seq_classif_dropout: 0.4 }, { kind: 'encoder' }).classifierDropout,
    ).toBe(0.4)
  })

  it.each([
    [{ id2label: { 1: 'good', 0: 'bad' } }, ['bad', 'good']],
    [{ label2id: { good: 1, bad: 0, mixed: 2 } }, ['bad', 'good', 'mixed']],
    [{ num_labels: 3 }, ['LABEL_0', 'LABEL_1', 'LABEL_2']],
    [{ id2label: null }, ['LABEL_0', 'LABEL_1']],
  ])('reads the labels of %j', (fields, labels) => {
    expect(readConfig({ ...bert, ...fields }).labels).toEqual(labels)
  })

  it.each([
    [null, /'config.json' must be an object, but got null/],
    [{}, /'model_type' must be the name of an architecture, but got missing/],
    [
      { ...bert, vocab_size: undefined },
      /'vocab_size' must be a whole number of at least 1, but got missing\. Correct the field/,
    ],
    [{ ...bert, hidden_size: 12.5 }, /'hidden_size' must be a whole number/],
    [
      { ...bert, num_attention_heads: 7 },
      /'num_attention_heads' must be a divisor of the hidden size 768, but got 7/,
    ],
    [{ ...distilbert, n_heads: 7 }, /'n_heads' must be a divisor of the hidden size 768, but got 7/],
    [
      { ...bert, hidden_dropout_prob: 1 },
      /'hidden_dropout_prob' must be a rate of at least 0 and below 1, but got 1/,
    ],
    [{ ...bert, layer_norm_eps: 0 }, /'layer_norm_eps' must be a number above 0, but got 0/],
    [
      { ...bert, hidden_act: 'mish' },
      /'hidden_act' must be one of gelu, gelu_new, gelu_pytorch_tanh, relu, silu, but got "mish"\. tfx does not compute this variant/,
    ],
    [
      { ...bert, position_embedding_type: 'relative_key' },
      /'position_embedding_type' must be "absolute", but got "relative_key"/,
    ],
    [{ ...bert, is_decoder: true }, /'is_decoder' must be false, but got true/],
    [{ ...bert, add_cross_attention: true }, /'add_cross_attention' must be false/],
    [{ ...bert, tie_word_embeddings: false }, /'tie_word_embeddings' must be true/],
    [{ ...bert, pruned_heads: { 0: [1] } }, /'pruned_heads' must be absent or empty/],
    [{ ...bert, quantization_config: { bits: 4 } }, /'quantization_config' must be absent or empty/],
    [{ ...distilbert, sinusoidal_pos_embds: true }, /'sinusoidal_pos_embds' must be false/],
    [
      { model_type: 'mpnet', vocab_size: 9, relative_attention_num_buckets: 64 },
      /'relative_attention_num_buckets' must be 32, but got 64\. tfx does not compute this variant/,
    ],
    [
      { model_type: 'albert', vocab_size: 9, num_hidden_groups: 13 },
      /'num_hidden_groups' must be at most the 12 layers of num_hidden_layers, but got 13/,
    ],
    [{ ...bert, problem_type: 'ranking' }, /'problem_type' must be one of single_label_classification, /],
    [
      { ...bert, id2label: { 0: 'a', 2: 'b' } },
      /'id2label' must be an object of label names by the class indices 0, 1, 2/,
    ],
    [{ ...bert, id2label: 'good' }, /'id2label' must be an object of label names/],
  ])('refuses %j', (json, message) => {
    expect(() => readConfig(json)).toThrow(CheckpointError)
    expect(() => readConfig(json)).toThrow(message)
  })

  it('names the supported architectures when it meets another', () => {
    expect(supportedModelTypes()).toEqual([
      'bert',
      'distilbert',
      'roberta',
      'xlm-roberta',
      'electra',
      'mpnet',
      'albert',
      'modernbert',
      'deberta-v2',
      'gpt2',
      'llama',
      'mistral',
      'qwen2',
      'qwen3',
      'gemma2',
      'gemma3_text',
      'phi3',
      'tfx_decoder',
      't5',
      'mt5',
      'bart',
      'marian',
      'mbart',
      'm2m_100',
      'pegasus',
      'tfx_transformer',
    ])
    expect(() => readConfig({ model_type: 'mamba' })).toThrow(
      "modelFamily: 'model_type' must be one of bert, distilbert, roberta, xlm-roberta, electra, mpnet, albert, modernbert, deberta-v2, gpt2, llama, mistral, qwen2, qwen3, gemma2, gemma3_text, phi3, tfx_decoder, t5, mt5, bart, marian, mbart, m2m_100, pegasus, tfx_transformer, but got 'mamba'. Choose a checkpoint of a supported architecture.",
    )
  })
})

describe('formatConfig', () => {
  it('writes what transformers 5 reads, keeps unknown fields, and forgets where the base came from', () => {
    const json = {
      ...bert,
      _name_or_path: 'somewhere',
      torch_dtype: 'float16',
      num_labels: 2,
      transformers_version: '4.8.2',
      gradient_checkpointing: false,
      problem_type: 'regression',
    }
    const written = formatConfig(withLabels(readConfig(json), ['bad', 'good']), 'sequence-classification')
    expect(written).toMatchObject({
      model_type: 'bert',
      architectures: ['BertForSequenceClassification'],
      dtype: 'float32',
      id2label: { 0: 'bad', 1: 'good' },
      label2id: { bad: 0, good: 1 },
      problem_type: 'single_label_classification',
      transformers_version: '4.8.2',
      gradient_checkpointing: false,
      hidden_size: 768,
      classifier_dropout: null,
    })
    for (const field of ['_name_or_path', 'torch_dtype', 'num_labels'])
      expect(written).not.toHaveProperty(field)
  })

  it.each([
    { ...bert, classifier_dropout: 0.3, hidden_act: 'gelu_new', id2label: { 0: 'x', 1: 'y', 2: 'z' } },
    { ...distilbert, dim: 64, n_heads: 4, seq_classif_dropout: 0.5, activation: 'relu' },
  ])('is read again as the same configuration: %j', (json) => {
    const config = readConfig(json)
    const again = readConfig(formatConfig(config, 'sequence-classification'))
    expect({ ...again, source: json }).toEqual(config)
  })

  it.each([
    [
      { model_type: 't5', initializer_factor: 1 },
      ['initializer_factor": 1.0,', 'layer_norm_epsilon": 0.000001'],
    ],
    [{ model_type: 'bart', layers: { init_std: 1 } }, ['encoder_layerdrop": 0.0,', '    "init_std": 1\n']],
    [
      { model_type: 'gemma2', attn_logit_softcapping: null },
      ['final_logit_softcapping": 30.0', 'attn_logit_softcapping": null'],
    ],
  ])('writes fractions that transformers 5 refuses as whole numbers with a point: %j', (json, lines) => {
    const config = readConfig(json)
    const text = configText(formatConfig(config, 'feature-extraction'))
    for (const line of lines) expect(text).toContain(line)
    expect({ ...readConfig(JSON.parse(text)), source: json }).toEqual(config)
  })

  it('writes no labels for a masked language model, and the type of the weights', () => {
    const json = { ...distilbert, id2label: { 0: 'bad', 1: 'good' }, label2id: { bad: 0, good: 1 } }
    const written = formatConfig(readConfig(json), 'masked-language-modelling', 'float16')
    expect(written).toMatchObject({ architectures: ['DistilBertForMaskedLM'], dtype: 'float16' })
    expect(written).not.toHaveProperty('id2label')
    expect(written).not.toHaveProperty('label2id')
  })
})

describe('withLabels', () => {
  it('refuses no labels and repeated labels', () => {
    for (const labels of [[], ['a', 'a']]) {
      expect(() => withLabels(readConfig(bert), labels)).toThrow(
        "'labels' must be at least one label, all different",
      )
    }
  })
})

describe('defaults', () => {
  const { configs } = loadFixture<{ configs: Record<string, unknown>[] }>('core/default-configs')

  it('are known of every architecture of transformers that is supported', () => {
    const own = ['tfx_decoder', 'tfx_transformer']
    const known = configs.map(({ model_type }) => model_type)
    expect([...known, ...own].sort()).toEqual(supportedModelTypes().sort())
  })

  it.each(configs.map((json) => [json.model_type as string, json] as const))(
    'of %s are those of its configuration class',
    (modelType, json) => {
      // Some encoders of old have no default that is of use for the vocabulary.
      const given = { model_type: modelType, vocab_size: json.vocab_size }
      expect({ ...readConfig(given), source: json }).toEqual(readConfig(json))
    },
  )
})

describe('decoders and encoder-decoders', () => {
  const long = { type: 'su', short_factor: [1], long_factor: [1] }
  const refused: [object, RegExp][] = [
    [{ model_type: 'gpt2', add_cross_attention: true }, /'add_cross_attention' must be false/],
    [{ model_type: 'gpt2', n_head: 5 }, /'n_head' must be a divisor of the hidden size 768/],
    [{ model_type: 'gpt2', activation_function: 'quick_gelu' }, /'activation_function' must be one of gelu/],
    [
      { model_type: 'llama', rope_scaling: { rope_type: 'dynamic', factor: 2 } },
      /'rope_type' must be one of default/,
    ],
    [{ model_type: 'llama', rope_scaling: { type: 'linear' } }, /'rope_scaling.factor' must be a number/],
    [{ model_type: 'llama', rope_scaling: 'linear' }, /'rope_scaling' must be an object/],
    [{ model_type: 'llama', num_key_value_heads: 3 }, /'num_key_value_heads' must be a divisor of the 32/],
    [
      { model_type: 'llama', quantization_config: { bits: 4 } },
      /'quantization_config' must be absent or empty/,
    ],
    [{ model_type: 'llama', eos_token_id: 'x' }, /'eos_token_id' must be a token id, or a list of them/],
    [{ model_type: 'qwen2', layer_types: ['linear_attention'] }, /'layer_types' must be full_attention or/],
    [
      { model_type: 'gemma3_text', use_bidirectional_attention: true },
      /'use_bidirectional_attention' must be false/,
    ],
    [{ model_type: 'phi3', rope_scaling: long }, /'short_factor' must be a list of 48 numbers above 0/],
    [{ model_type: 't5', feed_forward_proj: 'gated-swiglu' }, /'feed_forward_proj' must be one of gelu/],
    [{ model_type: 't5', is_encoder_decoder: false }, /'is_encoder_decoder' must be true/],
    [
      { model_type: 'bart', encoder_attention_heads: 7 },
      /'encoder_attention_heads' must be a divisor of the/,
    ],
    [{ model_type: 'marian', share_encoder_decoder_embeddings: false }, /must be true, but got false/],
    [{ model_type: 'gemma3_text', rope_scaling: 'linear' }, /'rope_scaling' must be an object/],
    [
      {
        model_type: 'phi3',
        hidden_size: 12,
        num_attention_heads: 2,
        partial_rotary_factor: 0.5,
        rope_scaling: long,
      },
      /'short_factor' must be no list, since an odd number of features, 3, is turned/,
    ],
    [{ model_type: 'm2m_100', decoder_start_token_id: 1 }, /'decoder_start_token_id' must be another id/],
    [{ model_type: 'marian', decoder_vocab_size: 7 }, /'decoder_vocab_size' must be 58101, but got 7/],
    [
      { model_type: 'deberta-v2', vocab_size: 9, conv_kernel_size: 3 },
      /'conv_kernel_size' must be 0, but got 3/,
    ],
    [
      { model_type: 'deberta-v2', vocab_size: 9, pos_att_type: 'p2p' },
      /'pos_att_type' must be c2p, p2c or both/,
    ],
  ]
  it.each(refused)('refuse %j', (json, message) => {
    expect(() => readConfig(json)).toThrow(CheckpointError)
    expect(() => readConfig(json)).toThrow(message)
  })

  it('are refused where another kind is needed', () => {
    const gpt2 = { model_type: 'gpt2' }
    expect(readConfig(gpt2, { kind: 'decoder' }).modelType).toBe('gpt2')
    expect(() => readConfig(gpt2, { kind: 'encoder' })).toThrow(
      /'model_type' must be an encoder: bert, .*, but got "gpt2". Choose a checkpoint of one of these/,
    )
  })

  it.each([
    [{ model_type: 'marian', activation_function: 'swish' }, 'silu'],
    [{ model_type: 'bert', vocab_size: 9, hidden_act: 'gelu_python' }, 'gelu'],
    [{ model_type: 'distilbert', vocab_size: 9, activation: 'gelu_fast' }, 'gelu_new'],
    [{ model_type: 'gpt2', activation_function: 'gelu_accurate' }, 'gelu_new'],
    [{ model_type: 'modernbert', vocab_size: 9, hidden_activation: 'gelu_python_tanh' }, 'gelu_pytorch_tanh'],
    [{ model_type: 'llama', hidden_act: 'swish' }, 'silu'],
    [{ model_type: 't5', feed_forward_proj: 'gated-swish' }, 'silu'],
  ])('take %o by the other names of activations', (json, hiddenAct) => {
    expect(readConfig(json)).toMatchObject({ hiddenAct })
  })

  it('refuse an activation by a name that objects have', () => {
    expect(() => readConfig({ model_type: 'gpt2', activation_function: 'constructor' })).toThrow(
      /'activation_function' must be one of/,
    )
  })
})

describe('DeBERTa and ModernBERT', () => {
  const written = (json: object, change: object = {}) => {
    const config = readConfig({ vocab_size: 60, ...json }, { kind: 'encoder' })
    return formatConfig({ ...config, ...change }, 'sequence-classification')
  }

  it('keep scaled rotary positions when they are saved, in both spellings', () => {
    const rope = { rope_type: 'linear', factor: 2, rope_theta: 500 }
    const nested = { full_attention: rope, sliding_attention: rope }
    expect(written({ model_type: 'modernbert', rope_parameters: nested }).rope_parameters).toEqual(nested)
    const old = { rope_scaling: { type: 'linear', factor: 2 }, global_rope_theta: 500, local_rope_theta: 500 }
    const again = readConfig(written({ model_type: 'modernbert', ...old }), { kind: 'encoder' })
    expect(again).toMatchObject({
      rope: { full_attention: { type: 'linear', factor: 2, theta: 500 }, sliding_attention: { theta: 500 } },
    })
    // transformers merges the two, and the older goes first.
    const both = { rope_parameters: nested, rope_scaling: { rope_type: 'linear', factor: 4 } }
    expect(readConfig({ model_type: 'modernbert', vocab_size: 60, ...both })).toMatchObject({
      rope: { full_attention: { type: 'linear', factor: 4, theta: 500 } },
    })
  })

  it('write a rate that was changed, whatever the base said', () => {
    const deberta = { model_type: 'deberta-v2', cls_dropout: 0.3 }
    expect(written(deberta).cls_dropout).toBe(0.3)
    expect(written(deberta, { classifierDropout: 0.1 }).cls_dropout).toBe(0.1)
    expect(written({ model_type: 'deberta-v2' })).not.toHaveProperty('cls_dropout')
  })
})
