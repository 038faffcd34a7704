"""Times PyTorch's eager float32 training step on request, so that a driver can alternate it with ours.

    python step.py --model NAME --batch 16 --length 64 [--threads 2] [--optimizer fused|foreach|default]

Says `{"ready": …}` once warm. Then, one line in, one JSON line out:
    run N  → {"milliseconds": [N whole steps], "optimizerMilliseconds": [their clipping and AdamW]}
    quit   → {"peakMB": …} and ends.
Random weights, dropout as configured, all positions real. `fused` is Trainer's default and the fastest.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification

from common import THREADS, peak_memory_megabytes, versions

MODELS = json.loads((pathlib.Path(__file__).parent.parent / "models.json").read_text())
WARM_UP_STEPS = 3


def say(message):
    print(json.dumps(message), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, choices=MODELS)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--target", type=int, default=32)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--optimizer", choices=["fused", "foreach", "default"], default="fused")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    fields = dict(MODELS[options.model])
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    kind = {"gpt2": "decoder", "llama": "decoder", "t5": "encoder-decoder"}.get(config.model_type, "encoder")
    autos = {"decoder": AutoModelForCausalLM, "encoder-decoder": AutoModelForSeq2SeqLM}
    auto = autos.get(kind, AutoModelForSequenceClassification)
    model = auto.from_config(config).train()
    implementation = {} if options.optimizer == "default" else {options.optimizer: True}
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0, **implementation)
    shape = (options.batch, options.length)
    batch = {
        "input_ids": torch.randint(1000, 30000, shape),
        "attention_mask": torch.ones(shape, dtype=torch.int64),
        "labels": torch.arange(options.batch) % 2,
    }
    if kind == "decoder":
        batch["labels"] = batch["input_ids"]
    if kind == "encoder-decoder":
        batch["labels"] = batch["input_ids"][:, : options.target].contiguous()

    def step():
        started = time.perf_counter()
        loss = model(**batch).loss
        loss.backward()
        differentiated = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        ended = time.perf_counter()
        return 1000 * (ended - started), 1000 * (ended - differentiated)

    for _ in range(WARM_UP_STEPS):
        step()
    say({"ready": {**versions(), "attention": model.config._attn_implementation}})
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            times = [step() for _ in range(int(words[1]))]
            say({"milliseconds": [t[0] for t in times], "optimizerMilliseconds": [t[1] for t in times]})
        elif words[0] == "quit":
            say({"peakMB": peak_memory_megabytes()})
            break


if __name__ == "__main__":
    main()
