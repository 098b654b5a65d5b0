"""The PyTorch side of the comparison: one task a process, as a good engineer would write it.

    python side.py TASK FOLDER [--dtype float32|bfloat16] [--layout padded|packed] [--memory-format contiguous|channels_last]
                   [--threads N] [--repeats N]

FOLDER holds the model (`config.json`, `model.safetensors`) and `inputs.safetensors`, written by the benchmark program, so both
sides compute the same thing from the same numbers; for `unet`, `vae` and `adapter` the model lies in the folder above, in diffusers layout. Prints lines of JSON: one when the model is ready, one after the first, untimed
run, and the result: seconds a repeat, units a repeat, a checksum, peak memory, versions.
Needs: pip install torch transformers diffusers accelerate
"""
import argparse
import json
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

IMAGE, IGNORED = -200, -100


def report(**line):
    print(json.dumps(line), flush=True)


def measure(work, repeats, first=None):
    """Seconds of each repeat, after one untimed run (`first` where that one does more than the others)."""
    report(event="ready")
    start = time.perf_counter()
    (first or work)()
    report(event="warm", seconds=time.perf_counter() - start)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def peak_mebibytes():
    """The largest resident size of this process. Linux counts that of whoever started it into `ru_maxrss`, so its own is read from /proc."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def fingerprint(values):
    """Mean magnitude, and the two ends: enough to see that both sides computed the same."""
    values = values.float().flatten()
    return [values.abs().mean().item(), values[0].item(), values[-1].item()]


def encode(folder, inputs, options):
    """The last block's output before post_layernorm; nothing behind it is computed."""
    from transformers import SiglipVisionModel

    tower = SiglipVisionModel.from_pretrained(folder, dtype=options.dtype, attn_implementation="sdpa").eval().vision_model
    pixels, result = inputs["pixels"].to(options.dtype), {}

    def work():
        with torch.inference_mode():
            result["hidden"] = tower.encoder(inputs_embeds=tower.embeddings(pixels)).last_hidden_state

    return measure(work, options.repeats), len(pixels), fingerprint(result["hidden"])


def language_model(folder, dtype):
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()


def prefill(folder, inputs, options):
    model, ids, result = language_model(folder, options.dtype), inputs["prompt"][None], {}

    def work():
        with torch.inference_mode():
            result["logits"] = model(ids, use_cache=True, logits_to_keep=1).logits

    return measure(work, options.repeats), ids.shape[1], fingerprint(result["logits"])


@torch.inference_mode()
def decode(folder, inputs, options):
    """Greedy steps after a prompt, with the model's own cache. The prompt is computed once and not timed."""
    from transformers import DynamicCache

    model, prompt, forced = language_model(folder, options.dtype), inputs["prompt"][None], inputs["forced"]
    cache, length, steps = DynamicCache(), inputs["prompt"].shape[0], len(forced) - 1
    # In bfloat16 the prompt goes in token by token: a CPU without bfloat16 matrix instructions would take minutes for it at once.
    for piece in prompt.split(1, dim=1) if options.dtype == torch.bfloat16 else [prompt]:
        logits = model(piece, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    logits, scores = logits[:, -1].clone(), []

    def step(token):
        return model(token, past_key_values=cache, use_cache=True).logits[:, -1]

    def score():
        """Log-probabilities of given tokens: what both sides must agree on."""
        current = logits
        for position, token in enumerate(forced):
            scores.append(F.log_softmax(current.float(), dim=-1)[0, token].item())
            if position < steps:
                current = step(token.view(1, 1))
        cache.crop(length)

    def work():
        token = logits.argmax(-1, keepdim=True)
        for _ in range(steps):
            token = step(token).argmax(-1, keepdim=True)
        cache.crop(length)

    seconds = measure(work, options.repeats, first=score)
    return seconds, steps, [sum(scores) / len(scores), scores[0], scores[-1]]


class Connectors(torch.nn.Module):
    """Projector `mlp2x_gelu` and vision head `mlp`, with the weights of the folder."""

    def __init__(self, folder, visual_width, width):
        super().__init__()
        linear, gelu = torch.nn.Linear, torch.nn.GELU
        self.projector = torch.nn.Sequential(linear(visual_width, width), gelu(), linear(width, width))
        self.head = torch.nn.Sequential(linear(width, width), gelu(), linear(width, visual_width))
        stored = load_file(folder / "model.safetensors")
        for module, prefix in ((self.projector, "model.mm_projector."), (self.head, "vision_head.")):
            module.load_state_dict({name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)})


class Rows:
    """The rows of a step, which come packed, as one right-padded batch or as one sequence with a block-diagonal mask."""

    def __init__(self, inputs, layout):
        self.lengths, self.ids, self.labels = inputs["lengths"].tolist(), inputs["ids"], inputs["labels"]
        self.visual, is_target = inputs["visual_tokens"].flatten(0, 1), inputs["is_visual_target"].bool()
        count, rows, longest = len(self.ids), len(self.lengths), max(self.lengths)
        row = torch.repeat_interleave(torch.arange(rows), inputs["lengths"].long())
        place = torch.cat([torch.arange(length) for length in self.lengths])
        self.is_image = self.ids == IMAGE
        is_first = place == 0
        self.text_at = ((self.labels != IGNORED) & ~is_first).nonzero()[:, 0]
        self.visual_at = (is_target & ~is_first).nonzero()[:, 0]
        visual_of = torch.full((count,), -1)
        visual_of[self.is_image] = torch.arange(int(self.is_image.sum()))
        self.wanted = self.visual[visual_of[self.visual_at]]
        self.packed = layout == "packed"
        if self.packed:
            same = row[:, None] == row[None, :]
            self.arguments = {"attention_mask": (same & torch.ones(count, count).tril().bool())[None, None], "position_ids": place[None]}
        else:
            self.shape, self.flat = (rows, longest), row * longest + place
            self.arguments = {"attention_mask": (torch.arange(longest)[None] < inputs["lengths"][:, None]).long()}

    def arrange(self, packed):
        if self.packed:
            return packed[None]
        rows, longest = self.shape
        return packed.new_zeros(rows * longest, packed.shape[-1]).index_copy(0, self.flat, packed).view(rows, longest, -1)

    def restore(self, hidden):
        return hidden[0] if self.packed else hidden.flatten(0, 1)[self.flat]


def train(folder, inputs, options):
    """Steps of visual-predictive instruction tuning: SDPA, logits at supervised positions only, fused AdamW, autocast in bfloat16."""
    model = language_model(folder, torch.float32).train()
    model.config.use_cache = False
    rows = Rows(inputs, options.layout)
    width = model.config.hidden_size
    connectors = Connectors(folder, rows.visual.shape[-1], width).train()
    parameters = [*model.parameters(), *connectors.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=options.rate, weight_decay=0.0, fused=True)
    losses = []

    def work():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.dtype == torch.bfloat16):
            packed = torch.empty(len(rows.ids), width)
            packed[~rows.is_image] = model.model.embed_tokens(rows.ids[~rows.is_image])
            packed[rows.is_image] = connectors.projector(rows.visual).float()
            hidden = rows.restore(model.model(inputs_embeds=rows.arrange(packed), use_cache=False, **rows.arguments).last_hidden_state)
            language = F.cross_entropy(model.lm_head(hidden[rows.text_at - 1]).float(), rows.labels[rows.text_at])
            predicted = F.normalize(connectors.head(hidden[rows.visual_at - 1]).float(), dim=-1)
            loss = language - F.cosine_similarity(predicted, rows.wanted, dim=-1).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        losses.append(loss.item())

    return measure(work, options.repeats), sum(rows.lengths), [losses[0], losses[1]]


def open_part(part, folder, options):
    """A model of diffusers with the weights of the folder, all of them; its attention is SDPA (AttnProcessor2_0) by default."""
    import diffusers

    path = folder.resolve().parent / part
    kind = getattr(diffusers, {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}[part])
    model, loading = kind.from_pretrained(path, torch_dtype=options.dtype, output_loading_info=True)
    if any(loading.values()):
        raise ValueError(f"diffusers does not open {path} as it is: {loading}")
    options.how = f"opened by diffusers {diffusers.__version__}: all {len(model.state_dict())} tensors, none missing, none over"
    return model.eval().to(memory_format=options.memory_format)


def unet(folder, inputs, options):
    """A guided step: one batch without and with the condition, and guidance between the two."""
    model = open_part("unet", folder, options)
    latents = inputs["latents"].to(options.dtype).contiguous(memory_format=options.memory_format)
    context = inputs["context"].to(options.dtype)
    both, timestep, result = torch.cat([torch.zeros_like(context), context]), torch.tensor(500), {}

    def work():
        with torch.inference_mode():
            result["apart"] = model(torch.cat([latents, latents]), timestep, both, return_dict=False)[0]
            without, conditioned = result["apart"].chunk(2)
            result["guided"] = without + 7.5 * (conditioned - without)

    seconds = measure(work, options.repeats)
    # Guidance multiplies the rounding of bfloat16: single elements are those of the two predictions before it.
    return seconds, 1, [fingerprint(result["guided"])[0], *fingerprint(result["apart"])]


def vae(folder, inputs, options):
    model, result = open_part("vae", folder, options), {}
    latents = inputs["latents"].to(options.dtype).contiguous(memory_format=options.memory_format)

    def work():
        with torch.inference_mode():
            result["picture"] = model.decode(latents, return_dict=False)[0]

    return measure(work, options.repeats), len(latents), fingerprint(result["picture"])


def adapter(folder, inputs, options):
    """The published adapter of mode `mlp`: Linear, LayerNorm, and ReLU between; many calls, because one is short."""
    stored = load_file(folder.resolve().parent / "adapter" / "model.safetensors")
    tokens, calls, result, modules = inputs["tokens"].to(options.dtype), int(inputs["calls"]), {}, []
    for number in range(sum(name.startswith("layers.") and name.endswith(".weight") for name in stored)):
        width, read = stored[f"layers.{number}.weight"].shape
        layer, norm = torch.nn.Linear(read, width), torch.nn.LayerNorm(width)
        for module, prefix in ((layer, "layers"), (norm, "norms")):
            module.load_state_dict({name: stored.pop(f"{prefix}.{number}.{name}") for name in ("weight", "bias")})
        modules += [layer, norm, torch.nn.ReLU(inplace=True)]
    if stored:
        raise ValueError(f"the adapter has weights that are not of mode mlp: {sorted(stored)}")
    model = torch.nn.Sequential(*modules[:-1]).to(options.dtype).eval()

    def work():
        with torch.inference_mode():
            for _ in range(calls):
                result["vectors"] = model(tokens)

    return measure(work, options.repeats), calls * len(tokens), fingerprint(result["vectors"])


TASKS = {"encode": encode, "prefill": prefill, "decode": decode, "train": train, "unet": unet, "vae": vae, "adapter": adapter}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--layout", default="packed", choices=["padded", "packed"])
    parser.add_argument("--memory-format", default="contiguous", choices=["contiguous", "channels_last"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-4)
    options = parser.parse_args()
    options.dtype, options.how = getattr(torch, options.dtype), ""
    options.memory_format = torch.contiguous_format if options.memory_format == "contiguous" else torch.channels_last
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    inputs = load_file(options.folder / "inputs.safetensors")
    processor = time.process_time()
    seconds, units, checksum = TASKS[options.task](options.folder, inputs, options)
    import transformers

    diffusers = f", diffusers {sys.modules['diffusers'].__version__}" if "diffusers" in sys.modules else ""
    report(event="result", seconds=seconds, units=units, checksum=checksum, how=options.how, peakMiB=round(peak_mebibytes()),
           processorSeconds=round(time.process_time() - processor, 3),
           versions=f"Python {sys.version.split()[0]}, torch {torch.__version__}, transformers {transformers.__version__}{diffusers}")
