// What LoRA of rank 8 saves and costs beside training every parameter, its base in float32, float16 and int8.
//
//     node bench/adapter-cost.mjs [--only TEXT] [--rounds 2] [--steps 3] [--threads N]
import { compareSteps } from './ours/compare-steps.mjs'
import { lora } from './ours/packages.mjs'

const cases = [
  { label: 'BERT-base, 16 × 64', model: 'bert', batch: 16, length: 64 },
  { label: 'SmolLM2-135M, 2 × 128', model: 'smollm2', batch: 2, length: 128 },
]
await compareSteps(cases, {
  'every parameter': {},
  LoRA: { adapter: lora() },
  'LoRA, float16': { adapter: lora(), basePrecision: 'float16' },
  'LoRA, int8': { adapter: lora(), basePrecision: 'int8' },
})
