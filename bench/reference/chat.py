"""Times replies of Hugging Face transformers: the counterpart of `chat` in ../serve.mjs.

Run by it: python chat.py DIRECTORY MESSAGES-AS-JSON NEW-TOKENS ROUNDS. Prints JSON: milliseconds to the first token and to
the last of each round, the number of tokens, and the text.
"""

import json
import sys
import time

import torch
import transformers

directory, messages, tokens, rounds = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
transformers.logging.set_verbosity_error()
tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


class Clock:
    """A streamer that notes when the first new token came."""

    def __init__(self):
        self.is_prompt, self.first = True, None

    def put(self, _):
        if not self.is_prompt and self.first is None:
            self.first = time.perf_counter()
        self.is_prompt = False

    def end(self):
        pass


first, total = [], []
for turn in range(rounds + 1):
    started = time.perf_counter()
    clock = Clock()
    encoded = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    written = model.generate(**encoded, max_new_tokens=tokens, do_sample=False, streamer=clock)
    if turn > 0:
        first.append((clock.first - started) * 1000)
        total.append((time.perf_counter() - started) * 1000)
new = written[0, encoded["input_ids"].shape[1]:]
print(json.dumps(dict(first=first, total=total, count=len(new), text=tokenizer.decode(new, skip_special_tokens=True))))
