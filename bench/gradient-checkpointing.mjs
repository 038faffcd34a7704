// What gradient checkpointing saves and costs.
//
//     node bench/gradient-checkpointing.mjs [--only TEXT] [--rounds 2] [--steps 3] [--threads N]
import { compareSteps } from './ours/compare-steps.mjs'

const cases = [
  { label: 'MiniLM-L6, 64 × 128', model: 'minilm', batch: 64, length: 128 },
  { label: 'BERT-base, 16 × 64', model: 'bert', batch: 16, length: 64 },
  { label: 'BERT-base, 32 × 128', model: 'bert', batch: 32, length: 128 },
  { label: 'GPT-2 small, 4 × 128', model: 'gpt2', batch: 4, length: 128 },
]
await compareSteps(cases, { without: {}, with: { gradientCheckpointing: true } })
