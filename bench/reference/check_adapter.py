"""Predicts and writes with adapters that tfx saved, by PEFT; called by bench/check-adapter.mjs."""

import json
import sys

import peft
import torch
import transformers


def predicts(content):
    """The largest difference of a probability."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(content["base"])
    base = transformers.AutoModelForSequenceClassification.from_pretrained(
        content["base"], num_labels=2, dtype=torch.float32
    )
    model = peft.PeftModel.from_pretrained(base, content["directory"]).eval()
    inputs = tokenizer(content["texts"], padding=True, return_tensors="pt")
    with torch.no_grad():
        probabilities = model(**inputs).logits.softmax(-1)
    difference = (probabilities - torch.tensor(content["scores"])).abs().max().item()
    assert difference < 1e-5, "PEFT computes something else"
    return f"largest difference of a probability {difference:.1e}"


def writes(content):
    """How many texts are continued by the same tokens."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(content["base"])
    config = transformers.AutoConfig.from_pretrained(content["base"])
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    base = kind.from_pretrained(content["base"], dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(base, content["directory"]).eval()
    # With a cache, PEFT puts the prompt in front of every new token of a decoder again.
    settings = {"max_new_tokens": 12, "do_sample": False, "num_beams": 1, "use_cache": config.is_encoder_decoder}
    for text, written in zip(content["texts"], content["written"]):
        inputs = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            output = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, **settings)[0]
        new = output if config.is_encoder_decoder else output[inputs.input_ids.shape[1]:]
        own = tokenizer.decode(new, skip_special_tokens=True)
        assert own.strip() == written.strip(), f"PEFT writes {own!r}, tfx {written!r}"
    return f"{len(content['written'])} texts the same: {content['written'][0]!r}"


for path in sys.argv[1:]:
    with open(path) as file:
        content = json.load(file)
    result = writes(content) if "written" in content else predicts(content)
    print(f"{content['directory'].split('/')[-1]:24} {result}")
