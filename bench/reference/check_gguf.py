"""Checks that we read a GGUF file as the Python package gguf and as transformers do.

    python check_gguf.py FILE.gguf DIGESTS.json

DIGESTS.json holds, under `gguf` and `transformers`, the shape and the SHA-256 of the float32 numbers of every tensor
by name. Exits with 1 where any differs. Needs gguf, torch and transformers.
"""

import collections
import hashlib
import json
import sys

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint


def main():
    path, digests_file = sys.argv[1:]
    with open(digests_file, encoding="utf-8") as file:
        ours = json.load(file)
    differing = compare("gguf", ours["gguf"], by_gguf(path)) + compare(
        "transformers", ours["transformers"], by_transformers(path)
    )
    sys.exit(1 if differing else 0)


def by_gguf(path):
    for tensor in gguf.GGUFReader(path).tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        yield tensor.name, values.reshape([int(size) for size in tensor.shape[::-1]])


def by_transformers(path):
    config = LlamaConfig(**load_gguf_checkpoint(path)["config"])
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    tensors = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    for name, tensor in tensors.items():
        yield name, tensor.float().contiguous().numpy()


def compare(reference, ours, theirs):
    differing, names = [], set()
    for name, values in theirs:
        names.add(name)
        digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
        found = ours.get(name)
        if found is None or found["shape"] != list(values.shape) or found["digest"] != digest:
            differing.append(name)
    differing += sorted(set(ours) - names)
    types = collections.Counter(tensor["dtype"] for tensor in ours.values())
    print(f"{reference}: {len(names)} tensors, {len(differing)} differ {differing[:5]}; types {dict(types)}")
    return differing


main()
