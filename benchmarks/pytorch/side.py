"""The PyTorch side of the comparison: one task a process, as a good engineer would write it.

    python side.py TASK FOLDER [--dtype float32|bfloat16] [--threads N] [--repeats N]

FOLDER holds the model (`config.json`, `model*.safetensors`) and `inputs.safetensors`, written by the benchmark program, so both
sides compute the same thing from the same numbers. Prints one line of JSON: seconds a repeat, units a repeat, a checksum.
Needs: pip install torch transformers
"""
import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def repeat(work, repeats, warmup=1):
    for _ in range(warmup):
        work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def encode(folder, inputs, dtype, repeats):
    from transformers import SiglipVisionModel

    model = SiglipVisionModel.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()
    pixels = inputs["pixels"].to(dtype)
    result = {}

    def work():
        with torch.inference_mode():
            result["hidden"] = model(pixels, output_hidden_states=True).hidden_states[-1]

    seconds = repeat(work, repeats)
    return seconds, len(pixels), result["hidden"].float().abs().mean().item()


def language_model(folder, dtype):
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()


def prefill(folder, inputs, dtype, repeats):
    model, ids = language_model(folder, dtype), inputs["prompt"][None]
    result = {}

    def work():
        with torch.inference_mode():
            result["logits"] = model(ids, use_cache=True, logits_to_keep=1).logits

    seconds = repeat(work, repeats)
    return seconds, ids.shape[1], result["logits"].float().abs().mean().item()


def decode(folder, inputs, dtype, repeats):
    """Steps after a prefilled prompt, with the model's own cache; the prompt itself is not timed."""
    from transformers import DynamicCache

    model, ids, count = language_model(folder, dtype), inputs["prompt"][None, :128], int(inputs["decode_tokens"][0])
    seconds, last = [], 0
    for turn in range(repeats + 1):
        with torch.inference_mode():
            cache = DynamicCache()
            logits = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
            token = logits[:, -1].argmax(-1, keepdim=True)
            start = time.perf_counter()
            for _ in range(count):
                token = model(token, past_key_values=cache, use_cache=True).logits[:, -1].argmax(-1, keepdim=True)
            if turn:
                seconds.append(time.perf_counter() - start)
            last = int(token)
    return seconds, count, last


def train(folder, inputs, dtype, repeats):
    """One step of visual-predictive instruction tuning on a right-padded batch: SDPA, logits at supervised positions only, fused AdamW."""
    model = language_model(folder, torch.float32).train()
    model.config.use_cache = False
    width, visual_width, per_image = model.config.hidden_size, inputs["visual_tokens"].shape[-1], inputs["visual_tokens"].shape[1]
    gelu = torch.nn.GELU
    projector = torch.nn.Sequential(torch.nn.Linear(visual_width, width), gelu(), torch.nn.Linear(width, width))
    head = torch.nn.Sequential(torch.nn.Linear(width, width), gelu(), torch.nn.Linear(width, visual_width))
    parameters = [*model.parameters(), *projector.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.0, fused=True)
    lengths, ids, labels, targets = inputs["lengths"].tolist(), inputs["ids"], inputs["labels"], inputs["is_visual_target"].bool()
    visual = inputs["visual_tokens"].flatten(0, 1)
    rows, longest = len(lengths), max(lengths)
    mask = torch.zeros(rows, longest, dtype=torch.long)
    flat = torch.zeros(len(ids), dtype=torch.long)                    # where each packed position lies in the padded batch
    at = 0
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
        flat[at:at + length] = row * longest + torch.arange(length)
        at += length
    is_image = ids == -200
    previous_is_same_row = torch.ones(len(ids), dtype=torch.bool)
    previous_is_same_row[torch.tensor([0, *lengths[:-1]]).cumsum(0)] = False
    text_at = ((labels != -100) & previous_is_same_row).nonzero()[:, 0]
    visual_at = (targets & previous_is_same_row).nonzero()[:, 0]
    visual_of = torch.full((len(ids),), -1)
    visual_of[is_image] = torch.arange(int(is_image.sum()))

    def work():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            packed = torch.empty(len(ids), width)
            packed[~is_image] = model.model.embed_tokens(ids[~is_image])
            packed[is_image] = projector(visual).float()
            padded = torch.zeros(rows * longest, width).index_copy(0, flat, packed).view(rows, longest, width)
            hidden = model.model(inputs_embeds=padded, attention_mask=mask, use_cache=False).last_hidden_state.view(rows * longest, width)[flat]
            language = F.cross_entropy(model.lm_head(hidden[text_at - 1]).float(), labels[text_at])
            predicted = F.normalize(head(hidden[visual_at - 1]).float(), dim=-1)
            loss = language - F.cosine_similarity(predicted, visual[visual_of[visual_at]], dim=-1).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        return loss

    first = work().item()
    return repeat(work, repeats, warmup=0), sum(lengths), first


TASKS = {"encode": encode, "prefill": prefill, "decode": decode, "train": train}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    inputs = load_file(arguments.folder / "inputs.safetensors")
    seconds, units, checksum = TASKS[arguments.task](arguments.folder, inputs, getattr(torch, arguments.dtype), arguments.repeats)
    import transformers

    print(json.dumps({"seconds": seconds, "units": units, "checksum": checksum, "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}))
