"""Trains the network of `bench/translation.mjs multi30k` by PyTorch at equal steps, and prints BLEU on test 2016.

Run: python multi30k.py --data DIR --base DIR [--seed 1] [--epochs 12] [--threads 2]. --base is a model that
`bench/translation.mjs multi30k --save DIR` wrote: its config.json and tokenizer are taken, its weights are not. Made with
Python 3.11, torch 2.13.0, transformers 5.24.0, sacrebleu 2.6.

The same: network (M2M100, norms in front), initialization, tokens, batches of 128 pairs of like length, AdamW (no decay),
cosine schedule with 6 % warm-up, label smoothing 0.1, clipping at 1, dropout 0.15, average of the weights (0.998), beam 4.
The order of the batches differs. PyTorch's label smoothing weighs tokens as ours does. With --checkpoint FILE, a run that
was cut goes on from its last epoch.
"""

import argparse
import json
import math
import pathlib
import random
import time

import sacrebleu
import torch
from transformers import AutoTokenizer, M2M100Config, M2M100ForConditionalGeneration

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=pathlib.Path, required=True)
parser.add_argument("--base", type=pathlib.Path, required=True)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--epochs", type=float, default=12)
parser.add_argument("--max-steps", type=int, default=0)
parser.add_argument("--limit", type=int, default=None)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--checkpoint", type=pathlib.Path)
args = parser.parse_args()

BATCH, RATE, WARMUP, SMOOTHING, DECAY, BEAMS, CHUNK = 128, 1e-3, 0.06, 0.1, 0.998, 4, 50
torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
order = random.Random(args.seed)

tokenizer = AutoTokenizer.from_pretrained(args.base)
config = M2M100Config.from_pretrained(args.base)
model = M2M100ForConditionalGeneration(config)
pad, end = config.pad_token_id, config.eos_token_id
print(sum(parameter.numel() for parameter in model.parameters()), "parameters", flush=True)


def lines(name):
    return (args.data / name).read_text(encoding="utf-8").rstrip("\n").split("\n")[: args.limit]


def encoded(name):
    return [tokenizer(text, truncation=True, max_length=192)["input_ids"] for text in lines(name)]


def padded(rows, fill):
    width = max(map(len, rows))
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def batches(pairs):
    """Shuffled, sorted within chunks, shuffled again: as `batching: 'length'` of tfx."""
    pairs = order.sample(pairs, len(pairs))
    found = []
    for start in range(0, len(pairs), CHUNK * BATCH):
        chunk = sorted(pairs[start : start + CHUNK * BATCH], key=lambda pair: len(pair[0]) + len(pair[1]))
        found += [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
    order.shuffle(found)
    return found


def loss_of(batch):
    source, labels = padded([pair[0] for pair in batch], pad), padded([pair[1] for pair in batch], -100)
    logits = model(input_ids=source, attention_mask=(source != pad).long(), labels=labels).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, label_smoothing=SMOOTHING)


pairs = list(zip(encoded("train.en"), encoded("train.de")))
steps_per_epoch = math.ceil(len(pairs) / BATCH)
total = args.max_steps or math.ceil(steps_per_epoch * args.epochs)
warmup = math.ceil(WARMUP * total)
optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)


def factor(step):
    if step < warmup:
        return step / max(1, warmup)
    return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup))))


schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
average = {name: value.detach().clone() for name, value in model.state_dict().items()}
model.train()
seconds, step = 0.0, 0


def save():
    order_state, dropout_state = order.getstate(), torch.get_rng_state()
    parts = [part.state_dict() for part in (model, optimizer, schedule)]
    partial = args.checkpoint.with_suffix(".partial")
    torch.save((step, seconds, order_state, dropout_state, average, parts), partial)
    partial.replace(args.checkpoint)


if args.checkpoint and args.checkpoint.exists():
    step, seconds, order_state, dropout_state, average, parts = torch.load(args.checkpoint, weights_only=False)
    order.setstate(order_state)
    torch.set_rng_state(dropout_state)
    for part, state in zip((model, optimizer, schedule), parts):
        part.load_state_dict(state)

while step < total:
    started = time.time()
    for batch in batches(pairs):
        loss = loss_of(batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        step += 1
        with torch.no_grad():
            for name, value in model.state_dict().items():
                average[name].lerp_(value, 1 - DECAY)
        if step % 50 == 0 or step == total:
            print(f"step {step}/{total} loss {loss.item():.3f} {seconds + time.time() - started:.0f} s", flush=True)
        if step == total:
            break
    seconds += time.time() - started
    if args.checkpoint:
        save()

model.load_state_dict(average)
model.eval()
sources, written = encoded("test_2016_flickr.en"), {}
ranked = sorted(range(len(sources)), key=lambda index: len(sources[index]))
for start in range(0, len(ranked), 32):
    chosen = ranked[start : start + 32]
    ids = padded([sources[index] for index in chosen], pad)
    with torch.no_grad():
        out = model.generate(input_ids=ids, attention_mask=(ids != pad).long(), num_beams=BEAMS, max_new_tokens=100)
    for index, row in zip(chosen, out):
        written[index] = tokenizer.decode(row, skip_special_tokens=True).strip()
hypotheses = [written[index] for index in range(len(sources))]
metric = sacrebleu.metrics.BLEU()
score = metric.corpus_score(hypotheses, [lines("test_2016_flickr.de")])
print(json.dumps({"seed": args.seed, "steps": step, "seconds": seconds, "bleu": score.score, "signature": str(metric.get_signature())}))
