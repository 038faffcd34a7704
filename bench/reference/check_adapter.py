"""Predicts with adapters that tfx saved, by PEFT; called by bench/check-adapter.mjs."""

import json
import sys

import peft
import torch
import transformers

for path in sys.argv[1:]:
    with open(path) as file:
        content = json.load(file)
    tokenizer = transformers.AutoTokenizer.from_pretrained(content["base"])
    base = transformers.AutoModelForSequenceClassification.from_pretrained(
        content["base"], num_labels=2, dtype=torch.float32
    )
    model = peft.PeftModel.from_pretrained(base, content["directory"]).eval()
    inputs = tokenizer(content["texts"], padding=True, return_tensors="pt")
    with torch.no_grad():
        probabilities = model(**inputs).logits.softmax(-1)
    difference = (probabilities - torch.tensor(content["scores"])).abs().max().item()
    print(f"{content['directory'].split('/')[-1]:8} largest difference of a probability {difference:.1e}")
    assert difference < 1e-5, "PEFT computes something else"
