"""The ids of prompts and the 40 tokens that transformers writes greedily behind each, from a GGUF file alone.

    python generate_gguf.py FILE.gguf '["Gravity is"]'

Prints JSON: for every prompt `ids` and `written`. Needs gguf beside torch and transformers (5.24).
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

file = pathlib.Path(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
rows = []
for prompt in json.loads(sys.argv[2]):
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        written = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False)
    rows.append({"ids": ids[0].tolist(), "written": written[0, ids.shape[1] :].tolist()})
print(json.dumps(rows))
