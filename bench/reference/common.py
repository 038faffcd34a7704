"""What the reference scripts share: versions, memory, SST-2 as tokenized examples, deterministic weights.

Needs Python with torch and transformers (made with torch 2.13.0, transformers 5.23.0).
"""

import math
import re
import sys

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer

THREADS = 2


def versions():
    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def peak_memory_megabytes():
    """The highest resident set of this process so far (VmHWM), in MiB."""
    with open("/proc/self/status", encoding="utf-8") as status:
        kilobytes = int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
    return kilobytes / 1024


def read_labelled_lines(path):
    """Lines of `label TAB sentence`, as (sentence, label)."""
    with open(path, encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").split("\t", 1) for line in lines if line.strip()]
    return [(sentence, int(label)) for label, sentence in pairs]


def tokenized_examples(path, base, max_length=128):
    """The file as a list of {input_ids, token_type_ids, attention_mask, labels}, unpadded."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = read_labelled_lines(path)
    encoded = tokenizer([sentence for sentence, _ in pairs], truncation=True, max_length=max_length)
    examples = [
        {**{key: encoded[key][index] for key in encoded}, "labels": label}
        for index, (_, label) in enumerate(pairs)
    ]
    return tokenizer, examples


def mixed_bits(seed, counters):
    """`mixSeed(seed, counter)` of `@tfx/common`, for an array of counters: 32 well mixed bits each."""
    with np.errstate(over="ignore"):
        bits = np.uint32(seed) ^ ((counters + np.uint32(1)) * np.uint32(0x9E3779B9))
        bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))


def uniform_values(shape, seed, scale=0.02):
    """`fround(scale · (2 · mixSeed(seed, i) / 2³² − 1))` for i = 0, 1, …: the same bits in JavaScript."""
    count = math.prod(shape)
    bits = mixed_bits(seed, np.arange(count, dtype=np.uint32)).astype(np.float64)
    values = scale * (2 * bits / 4294967296 - 1)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def fill_deterministically(model, only="", scale=0.035):
    """Gives the parameters whose names start with `only` values that JavaScript can reproduce.

    The k-th of these names in sorted order gets `uniform_values` with seed k; LayerNorm weights get
    1 + that. The default scale has the standard deviation 0.02 of BERT's initialization.
    """
    names = sorted(name for name, _ in model.named_parameters() if name.startswith(only))
    with torch.no_grad():
        for seed, name in enumerate(names):
            parameter = model.get_parameter(name)
            values = uniform_values(tuple(parameter.shape), seed, scale)
            is_norm_weight = re.search(r"layer_?norm\.weight$", name, re.IGNORECASE) is not None
            parameter.copy_(values + 1 if is_norm_weight else values)


def disable_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        # Attention modules keep the rate as a number that they pass to the kernel.
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0

