"""Tunes a chat model by TRL, for bench/chat.mjs: a job as JSON on stdin, its result as the last line of stdout.

    python tune_chat.py < job.json

`sft` is SFTTrainer with PEFT's LoRA and assistant_only_loss; its result has the perplexity of the assistant's tokens in
held-out dialogues before and after. `dpo` is DPOTrainer; its result has the loss of each step, and the mean reward margin
on the held-out pairs. Examples are taken in their order; AdamW, a linear schedule without warm-up, clipping at 1. Needs
torch, transformers (5.24), trl (1.16), peft and datasets.
"""

import json
import math
import pathlib
import sys
import tempfile

import torch
from datasets import Dataset
from peft import LoraConfig
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from common import THREADS, versions


class Keep(TrainerCallback):
    def __init__(self):
        self.logs = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.logs.append(dict(logs))


def in_order(trainer_class):
    class Ordered(trainer_class):
        def _get_train_sampler(self, dataset=None):
            return SequentialSampler(self.train_dataset if dataset is None else dataset)

    return Ordered


def opened(job):
    path = pathlib.Path(job["model"])
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.chat_template = job["template"]
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    return model, tokenizer


def settings(job, folder):
    return dict(
        output_dir=folder, max_steps=job["steps"], per_device_train_batch_size=job["batchSize"],
        per_device_eval_batch_size=job["batchSize"], learning_rate=job["rate"], lr_scheduler_type="linear",
        warmup_steps=0, weight_decay=0.0, max_grad_norm=1.0, logging_steps=1, save_strategy="no", report_to="none",
        use_cpu=True, bf16=False, gradient_checkpointing=False, seed=job["seed"], disable_tqdm=True, max_length=512,
    )


@torch.no_grad()
def perplexity(model, tokenizer, dialogues):
    model.eval()
    total, count = 0.0, 0
    for row in dialogues:
        out = tokenizer.apply_chat_template(row["messages"], return_dict=True, return_assistant_tokens_mask=True)
        ids = torch.tensor([out["input_ids"]])
        mask = torch.tensor(out["assistant_masks"])[1:].bool()
        scores = model(input_ids=ids).logits[0, :-1]
        losses = torch.nn.functional.cross_entropy(scores, ids[0, 1:], reduction="none")
        total += losses[mask].sum().item()
        count += int(mask.sum())
    return math.exp(total / count)


def tune(job, folder):
    model, tokenizer = opened(job)
    untuned = perplexity(model, tokenizer, job["heldOut"])
    adapter = LoraConfig(r=job["rank"], lora_alpha=job["alpha"], lora_dropout=0.0, task_type="CAUSAL_LM")
    trainer = in_order(SFTTrainer)(
        model=model, args=SFTConfig(**settings(job, folder), assistant_only_loss=True), peft_config=adapter,
        train_dataset=Dataset.from_list(job["train"]), processing_class=tokenizer,
    )
    trainer.train()
    return {"untuned": untuned, "perplexity": perplexity(trainer.model, tokenizer, job["heldOut"])}


def prefer(job, folder):
    model, tokenizer = opened(job)
    keep = Keep()
    trainer = in_order(DPOTrainer)(
        model=model, args=DPOConfig(**settings(job, folder), beta=job["beta"]),
        train_dataset=Dataset.from_list(job["train"]), eval_dataset=Dataset.from_list(job["heldOut"]),
        processing_class=tokenizer, callbacks=[keep],
    )
    trainer.train()
    losses = [float(log["loss"]) for log in keep.logs if "loss" in log]
    return {"losses": losses, "rewardMargin": float(trainer.evaluate()["eval_rewards/margins"])}


def main():
    torch.set_num_threads(THREADS)
    job = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        result = {"sft": tune, "dpo": prefer}[job["mode"]](job, folder)
    print(json.dumps({"versions": versions(), **result}))


main()
