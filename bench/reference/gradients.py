"""Loss and every gradient of BERT, MiniLM and DistilBERT at batch 16 × 64, for bench/gradients.mjs.

    python gradients.py --out DIR --model bert|bert-2-layers|minilm|distilbert|distilbert-2-layers
                        [--minilm DIR] [--double] [--threads 2]

Writes into DIR a Hugging Face checkpoint (config.json, model.safetensors), `batch.json` with the inputs
and `gradients.safetensors` with one gradient for each parameter; prints the loss. Dropout is off. The
weights are the deterministic ones of common.py; `minilm` takes the real ones and only its classifier is
filled. `--double` computes in float64 (results are stored as float32), to tell whose rounding a difference is.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
)

from common import THREADS, disable_dropout, fill_deterministically, mixed_bits, versions

BATCH, LENGTH = 16, 64
CONFIGS = {
    "bert": lambda: BertConfig(),
    "bert-2-layers": lambda: BertConfig(num_hidden_layers=2),
    "distilbert": lambda: DistilBertConfig(),
    "distilbert-2-layers": lambda: DistilBertConfig(n_layers=2),
}


def build(name, minilm):
    if name == "minilm":
        model = AutoModelForSequenceClassification.from_pretrained(minilm, num_labels=2)
        fill_deterministically(model, only="classifier.")
    else:
        model = AutoModelForSequenceClassification.from_config(CONFIGS[name]())
        fill_deterministically(model)
    disable_dropout(model)
    return model.train()


def padded_batch(vocabulary):
    """Random ids of 16 lengths between 19 and 64; the rest is padding (id 0, mask 0)."""
    lengths = [LENGTH - 3 * row for row in range(BATCH)]
    bits = mixed_bits(1000, np.arange(BATCH * LENGTH, dtype=np.uint32)).reshape(BATCH, LENGTH)
    ids = (bits % np.uint32(vocabulary - 1) + 1).astype(np.int64)
    mask = np.array([[int(column < length) for column in range(LENGTH)] for length in lengths])
    return {
        "input_ids": torch.from_numpy(ids * mask),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.tensor([row % 2 for row in range(BATCH)]),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--model", required=True, choices=[*CONFIGS, "minilm"])
    parser.add_argument("--minilm")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--threads", type=int, default=THREADS)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    out = pathlib.Path(options.out)
    model = build(options.model, options.minilm)
    model.save_pretrained(out)
    batch = padded_batch(model.config.vocab_size)
    if options.double:
        model = model.double()
    loss = model(**batch).loss
    loss.backward()

    gradients = {
        name: parameter.grad.to(torch.float32).contiguous() for name, parameter in model.named_parameters()
    }
    save_file(gradients, out / "gradients.safetensors")
    record = {
        "versions": versions(),
        "loss": loss.item(),
        **{key: value.tolist() for key, value in batch.items()},
    }
    (out / "batch.json").write_text(json.dumps(record), encoding="utf-8")
    print(json.dumps({"model": options.model, "loss": loss.item(), "parameters": len(gradients)}))


if __name__ == "__main__":
    main()
