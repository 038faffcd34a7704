"""Fine-tunes an encoder on SST-2 with Hugging Face Trainer: the reference for accuracy and for epoch time.

    python sst2_trainer.py --sst2 DIR --minilm DIR --seed 1 [--epochs 3] [--threads 2]

DIR of --sst2 holds train.tsv and dev.tsv (label TAB sentence). Batch 16, lr 5e-5, linear schedule
without warm-up, weight decay 0, clipping at 1, at most 128 tokens, dynamic padding; Trainer defaults
otherwise, save that nothing is saved or logged. Prints one JSON object as its last line.
"""

import argparse
import json
import sys
import tempfile
import time

import torch
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from common import THREADS, peak_memory_megabytes, tokenized_examples, versions


class EpochClock(TrainerCallback):
    """Seconds spent training in each epoch, evaluation apart."""

    def __init__(self):
        self.seconds = []

    def on_epoch_begin(self, *_, **__):
        self.started = time.perf_counter()

    def on_epoch_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.started)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sst2", required=True)
    parser.add_argument("--minilm", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=THREADS)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    tokenizer, train = tokenized_examples(f"{options.sst2}/train.tsv", options.minilm)
    _, dev = tokenized_examples(f"{options.sst2}/dev.tsv", options.minilm)

    # Before the model is made: the seed decides the new classifier's weights.
    set_seed(options.seed)
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        options.minilm, num_labels=2, output_loading_info=True
    )
    clock = EpochClock()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=options.epochs,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=64,
            learning_rate=5e-5,
            lr_scheduler_type="linear",
            warmup_steps=0,
            weight_decay=0.0,
            max_grad_norm=1.0,
            seed=options.seed,
            eval_strategy="epoch",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=train,
            eval_dataset=dev,
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=lambda prediction: {
                "accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())
            },
            callbacks=[clock],
        )
        trainer.train()
    evaluations = [entry for entry in trainer.state.log_history if "eval_accuracy" in entry]
    print(
        json.dumps(
            {
                "versions": versions(),
                "seed": options.seed,
                "threads": options.threads,
                "optimizer": str(arguments.optim),
                "attention": model.config._attn_implementation,
                "newlyInitialized": sorted(loading["missing_keys"]),
                "devAccuracy": [entry["eval_accuracy"] for entry in evaluations],
                "devLoss": [entry["eval_loss"] for entry in evaluations],
                "finalAccuracy": evaluations[-1]["eval_accuracy"],
                "steps": trainer.state.global_step,
                "epochSeconds": clock.seconds,
                "peakMB": peak_memory_megabytes(),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
