"""Checks that Python reads a saved model as we do: same logits for the same texts.

    python check_saved.py DIR TEXTS.json LOGITS.json

TEXTS.json is a list of strings, LOGITS.json our logits for them, a list of rows in the order of the
model's labels. Exits with 1 where any differs by more than 1e-4.
"""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TOLERANCE = 1e-4


def main():
    directory, texts_file, logits_file = sys.argv[1:]
    with open(texts_file, encoding="utf-8") as file:
        texts = json.load(file)
    with open(logits_file, encoding="utf-8") as file:
        ours = torch.tensor(json.load(file))
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model, loading = AutoModelForSequenceClassification.from_pretrained(directory, output_loading_info=True)
    model.eval()
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits
    difference = (logits - ours).abs().max().item()
    missing, unexpected = sorted(loading["missing_keys"]), sorted(loading["unexpected_keys"])
    passed = difference <= TOLERANCE and not missing and not unexpected
    print(
        json.dumps(
            {
                "passed": passed,
                "worstDifference": difference,
                "labels": model.config.id2label,
                "missing": missing,
                "unexpected": unexpected,
            }
        )
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
