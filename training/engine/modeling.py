"""Loading and saving models: the only file that knows how transformers builds them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.adapters import has_adapters, merged_state, without_adapters
from training.engine.algorithms.logprobs import projected_logprobs, token_logprobs
from training.engine.algorithms.products import use_onednn
from training.engine.distributed import ALONE, Processes
from training.engine.errors import DataError
from training.engine.files import new_directory
from training.engine.sharding import state_to_save, whole, whole_state
from training.engine.tokenization import check_model_directory


class Policy(nn.Module):
    """A causal language model, asked how likely given tokens are.

    forward: input_ids (batch, time) int64, right-padded; wanted (batch, time) bool, True on the tokens asked
    about, never on the first of a row. Returns their log-probabilities under softmax(logits / temperature),
    (wanted tokens,) float32, row after row. The vocabulary projection runs at the positions that predict a
    wanted token and nowhere else: with 49,152 tokens in the vocabulary it costs as much as eight layers of a
    small model. packing: what a packed row (shared_prefix.py) needs besides its input_ids; (1, tokens) then.

    Whatever is trained goes through forward: DistributedDataParallel and fully_shard hang their communication
    between processes on it. `language_model` is the transformers model, for decoding and for saving.
    """

    def __init__(self, language_model: Any) -> None:
        super().__init__()
        self.language_model = language_model

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.parameters()).device

    def forward(self, input_ids: Tensor, wanted: Tensor, *, temperature: float, **packing: Any) -> Tensor:
        transformer, head = self.language_model.base_model, self.language_model.get_output_embeddings()
        hidden = transformer(input_ids=input_ids, use_cache=False, **packing).last_hidden_state
        predicts = wanted[:, 1:]
        states, tokens = hidden[:, :-1][predicts], input_ids[:, 1:][predicts]
        if isinstance(head, nn.Linear) and head.bias is None:
            return projected_logprobs(states, head.weight, tokens, temperature=temperature)
        return token_logprobs(head(states), tokens, temperature=temperature)


class ScalarModel(nn.Module):
    """A transformer with one number per token: a reward model, or a value model made from one.

    forward: input_ids (batch, time) right-padded to (batch, time) float32, `head(hidden) - score_bias`. The
    head is computed in float32 whatever the precision of the transformer: scores differ by little. As with
    `Policy`, whatever is trained goes through forward. packing: what a packed row (shared_prefix.py) needs
    besides its input_ids; (1, tokens) then.
    """

    def __init__(self, backbone: nn.Module, head_weight: Tensor, score_bias: float) -> None:
        super().__init__()
        use_onednn(backbone)
        self.backbone: Any = backbone
        self.head_weight = nn.Parameter(head_weight.detach().float().clone())
        self.score_bias = nn.Parameter(torch.tensor([float(score_bias)]))  # fully_shard takes no scalars

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.head_weight.device

    def rescale(self, divisor: float) -> None:
        """Divide everything it says by `divisor`."""
        with torch.no_grad():
            self.head_weight.div_(divisor)
            self.score_bias.div_(divisor)

    def forward(self, input_ids: Tensor, **packing: Any) -> Tensor:
        hidden = self.backbone(input_ids=input_ids, use_cache=False, **packing).last_hidden_state
        return (hidden.float() * self.head_weight).sum(-1) - self.score_bias


def load_language_model(directory: Path, *, dtype: torch.dtype = torch.float32) -> Any:
    """A transformers causal language model without dropout, in eval mode."""
    from transformers import AutoModelForCausalLM

    check_model_directory(directory, "policy")
    model = AutoModelForCausalLM.from_pretrained(str(directory), dtype=dtype, **_no_dropout(directory))
    use_onednn(model)
    return model.eval()


def load_policy(directory: Path) -> Policy:
    """A policy to train or to compare with, float32, without dropout, in eval mode."""
    return Policy(load_language_model(directory)).eval()


def save_policy(policy: Policy, tokenizer: Any, directory: Path, processes: Processes = ALONE) -> None:
    """Write a Hugging Face directory that AutoModelForCausalLM opens, whole or not at all.

    The first process writes it, all must call it. DiskFull when there is no room for it.
    """
    model = policy.language_model
    state = state_to_save(model, processes)
    if not processes.is_first:
        return
    with torch.device("meta"):  # a sharded model, or one with adapters, cannot save itself as an ordinary one
        plain = type(model)(model.config)
    plain.generation_config = model.generation_config
    with new_directory(directory, size=_bytes_of(plain)) as temporary:
        plain.save_pretrained(temporary, state_dict=merged_state(model, state))
        tokenizer.save_pretrained(temporary)


def load_reward_model(directory: Path) -> ScalarModel:
    """A reward model that `save_reward_model` wrote, or any sequence classifier with one label (score_bias
    0)."""
    from transformers import AutoModelForSequenceClassification

    check_model_directory(directory, "reward_model")
    classifier = AutoModelForSequenceClassification.from_pretrained(
        str(directory), dtype=torch.float32, **_no_dropout(directory)
    )
    if classifier.config.num_labels != 1:
        raise DataError(
            f"reward_model: {directory} has {classifier.config.num_labels} labels, a reward model has 1"
        )
    model = ScalarModel(
        classifier.base_model,
        classifier.score.weight[0],
        float(getattr(classifier.config, "score_bias", 0.0)),
    )
    return model.eval()


def new_reward_model(directory: Path, *, layers: int | None, seed: int) -> ScalarModel:
    """The first `layers` layers of a language model with a fresh scalar head, N(0, 1/sqrt(d+1)).

    Standard deviation after Huang et al. 2024, detail 11. `layers` beyond the model's own keep all of them.
    """
    from transformers import AutoConfig, AutoModel

    check_model_directory(directory, "policy")
    config = AutoConfig.from_pretrained(str(directory))
    kept = min(layers or config.num_hidden_layers, config.num_hidden_layers)
    backbone = AutoModel.from_pretrained(
        str(directory), dtype=torch.float32, num_hidden_layers=kept, **_no_dropout(directory)
    )
    width = backbone.config.hidden_size
    generator = torch.Generator().manual_seed(seed)
    head = torch.randn(width, generator=generator) / (width + 1) ** 0.5
    return ScalarModel(backbone, head, 0.0).eval()


def save_reward_model(
    model: ScalarModel, tokenizer: Any, directory: Path, processes: Processes = ALONE
) -> None:
    """Write a directory that AutoModelForSequenceClassification opens: our score = its score -
    config.score_bias.

    transformers' head for decoders has no bias, so the bias goes into config.json. The first process writes
    it, all must call it. DiskFull when there is no room for it.
    """
    from transformers import AutoModelForSequenceClassification

    state = state_to_save(model.backbone, processes)
    head_weight, score_bias = whole(model.head_weight), whole(model.score_bias)
    if not processes.is_first:
        return
    config = copy.deepcopy(model.backbone.config)
    config.num_labels = 1
    config.pad_token_id = (
        tokenizer.pad_token_id
    )  # there, the score is read at the last token that is not padding
    config.score_bias = score_bias.item()
    classifier = AutoModelForSequenceClassification.from_config(config)
    classifier.base_model.load_state_dict(merged_state(model.backbone, state))
    with torch.no_grad():
        classifier.score.weight.copy_(head_weight[None, :])
    with new_directory(directory, size=_bytes_of(classifier)) as temporary:
        classifier.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


def freeze_all_but_top(policy: Policy, layers: int | None) -> None:
    """Train the top `layers` transformer layers and the final norm; None trains everything.

    The embeddings are frozen with the lower layers: they are tied to the output in small models, and
    no gradient has to be carried further down than the lowest trained layer.
    """
    if layers is None:
        return
    policy.requires_grad_(False)
    transformer = policy.language_model.base_model
    for layer in transformer.layers[-layers:]:
        layer.requires_grad_(True)
    transformer.norm.requires_grad_(True)


def frozen_copy(model: Any) -> Any:
    """A copy that stays as it is while `model` trains; parameters that `model` does not train are shared."""
    shared = {id(parameter): parameter for parameter in model.parameters() if not parameter.requires_grad}
    return copy.deepcopy(model, memo=dict(shared)).requires_grad_(False).eval()


def sampling_copy(policy: Policy, dtype: torch.dtype, processes: Processes = ALONE) -> Any:
    """The policy's language model in the format it decodes fastest in: itself when that is its own format and
    it is not about to be sharded.

    Adapters are merged into the copy: decoding works on few tokens at a time, where each small product
    beside the large one costs as much.
    """
    language_model = policy.language_model
    if language_model.dtype == dtype and not processes.is_sharded:
        return language_model
    return copy.deepcopy(without_adapters(language_model)).to(dtype).requires_grad_(False).eval()


def refresh(sampler: Any, policy: Policy) -> None:
    """Bring a `sampling_copy` up to date with the trained parameters of its policy. All processes must call
    it."""
    if sampler is policy.language_model:
        return
    if has_adapters(policy):
        model = policy.language_model
        sampler.load_state_dict(merged_state(model, whole_state(model)))
        return
    with torch.no_grad():
        for copied, parameter in zip(sampler.parameters(), policy.parameters(), strict=True):
            if parameter.requires_grad:
                copied.copy_(whole(parameter))


def trainable_state(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the trained parameters by name: what a checkpoint needs of a model."""
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


def load_trainable_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Put back what `trainable_state` took."""
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            parameters[name].copy_(value)


def _no_dropout(directory: Path) -> dict[str, float]:
    """Settings that switch dropout off. With it, the first importance ratio would not be 1."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(directory))
    return {name: 0.0 for name in config.to_dict() if name.endswith(("dropout", "pdrop"))}


def _bytes_of(model: nn.Module) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
