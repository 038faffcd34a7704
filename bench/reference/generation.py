"""Times Hugging Face `generate` on request: the counterpart of ../ours/generation.mjs.

    python generation.py --model gpt2 --batch 8 --beams 1 [--threads 2]

The same protocol as step.py. Prompts of 32 tokens, 64 new ones, random weights, float32.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from common import THREADS, peak_memory_megabytes, versions

MODELS = json.loads((pathlib.Path(__file__).parent.parent / "models.json").read_text())
PROMPT_LENGTH, NEW_TOKENS = 32, 64


def say(message):
    print(json.dumps(message), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, choices=MODELS)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--threads", type=int, default=THREADS)
    options = parser.parse_args()

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(options.threads)
    fields = dict(MODELS[options.model])
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(fields.pop("model_type"), **fields)).eval()
    ids = torch.arange(options.batch * PROMPT_LENGTH).reshape(options.batch, PROMPT_LENGTH) * 7919 % 40000

    def write():
        started = time.perf_counter()
        with torch.no_grad():
            model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS,
                           min_new_tokens=NEW_TOKENS, do_sample=False, num_beams=options.beams, pad_token_id=0)
        return 1000 * (time.perf_counter() - started)

    write()
    say({"ready": versions()})
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            times = [write() for _ in range(int(words[1]))]
            say({"milliseconds": times, "optimizerMilliseconds": [0] * len(times)})
        elif words[0] == "quit":
            say({"peakMB": peak_memory_megabytes()})
            break


if __name__ == "__main__":
    main()
