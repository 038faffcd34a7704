"""The losses of the first 100 steps of MiniLM on SST-2 without dropout, for bench/loss-curve.mjs.

    python loss_curve.py --sst2 DIR --minilm DIR --out DIR [--steps 100] [--threads 2]

Step s takes the lines 16·s … 16·s+15 of train.tsv in file order, padded to the longest of them. AdamW, lr
5e-5 decaying linearly over 1,299 steps (three epochs of 433) without warm-up, clipping at 1. The new
classifier gets the deterministic values of common.py with scale 0.02: bias from seed 0, weight from seed 1.
Writes the initial checkpoint and `losses.json` into --out.
"""

import argparse
import json
import pathlib

import torch
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    get_linear_schedule_with_warmup,
)

from common import THREADS, disable_dropout, fill_deterministically, tokenized_examples, versions

BATCH, TOTAL_STEPS, LEARNING_RATE = 16, 1299, 5e-5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sst2", required=True)
    parser.add_argument("--minilm", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=THREADS)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    out = pathlib.Path(options.out)
    tokenizer, examples = tokenized_examples(f"{options.sst2}/train.tsv", options.minilm)
    collate = DataCollatorWithPadding(tokenizer)
    model = AutoModelForSequenceClassification.from_pretrained(options.minilm, num_labels=2)
    fill_deterministically(model, only="classifier.", scale=0.02)
    disable_dropout(model)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    model.train()

    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, TOTAL_STEPS)
    losses, norms = [], []
    for step in range(options.steps):
        batch = collate(examples[step * BATCH : (step + 1) * BATCH])
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    record = {"versions": versions(), "losses": losses, "gradientNorms": norms}
    (out / "losses.json").write_text(json.dumps(record), encoding="utf-8")
    print(json.dumps({"first": losses[0], "last": losses[-1], "steps": len(losses)}))


if __name__ == "__main__":
    main()
