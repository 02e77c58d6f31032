"""The config of a PPO run. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.engine.config_fields import STARTER, TrainingConfig, setting
from training.engine.errors import ConfigError

# Each makes the policy that draws tokens another than the one whose probabilities are compared.
BREAK_THE_RATIO = frozenset(
    (
        *("top_k", "top_p", "top_h", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "penalty_alpha"),
        *("min_length", "min_new_tokens", "num_beams", "do_sample", "bad_words_ids", "suppress_tokens"),
        *("repetition_penalty", "encoder_repetition_penalty", "no_repeat_ngram_size", "sequence_bias"),
        "generator_url",  # of sample runs: another program, whose probabilities differ by its rounding
    )
)


def refuse_what_breaks_the_ratio(names: Iterable[str]) -> None:
    """ConfigError when a setting of sampling is named under which the importance ratio would be wrong."""
    for name in sorted(BREAK_THE_RATIO & set(names)):
        raise ConfigError(
            f"{name}: not a setting of a ppo run, which draws from softmax(logits / temperature) and nothing "
            f"else. With {name}, tokens would come from other probabilities than those that the importance "
            "ratio and the KL penalty compare. Leave it out; temperature is allowed, and applies to all alike"
        )


@dataclass(frozen=True, kw_only=True)
class PpoConfig(TrainingConfig):
    """PPO against a reward model, held near the reference policy (the policy it starts from)."""

    reward_model: str = setting(
        help="Directory of the reward model.", effect="Also initialises the value model."
    )
    steps: int = setting(12, help="PPO steps.", unit="steps", source=STARTER, minimum=1, maximum=10**6)
    episodes_per_step: int = setting(
        64, help="Completions per step.", source="Ouyang 2022, C.4: 512; " + STARTER, minimum=1, maximum=10**6
    )
    minibatches: int = setting(
        8, help="Optimizer steps per pass over a batch.", source="Ouyang 2022, C.4", minimum=1, maximum=4096
    )
    inner_epochs: int = setting(
        1, help="Passes over a batch.", source="Ouyang 2022, C.4", minimum=1, maximum=64
    )
    max_new_tokens: int = setting(
        128,
        help="Longest completion.",
        unit="tokens",
        effect="Should be that of the completions the reward model was trained on.",
        minimum=1,
        maximum=32768,
    )
    temperature: float = setting(
        0.7,
        help="Softmax temperature, of rollouts and of every log-probability alike.",
        source="Ouyang 2022, C.4: 1; " + STARTER,
        minimum=0.01,
        maximum=10.0,
    )
    rows_in_flight: int = setting(
        64, help="Completions decoded at the same time.", unit="rows", minimum=1, maximum=4096
    )
    max_prompt_tokens: int = setting(
        1024,
        help="Prompts longer than this are left out and counted.",
        unit="tokens",
        source="Ouyang 2022, C.1: 1k",
        minimum=1,
        maximum=131072,
    )
    policy_learning_rate: float = setting(
        2e-5,
        help="Adam's step size for the policy.",
        source="Ouyang 2022, C.4: 2.5e-6 to 2.5e-5; " + STARTER,
        minimum=0.0,
        maximum=1.0,
    )
    value_learning_rate: float = setting(
        2e-5,
        help="Adam's step size for the value model.",
        source="Ouyang 2022, C.4: 9e-6; " + STARTER,
        minimum=0.0,
        maximum=1.0,
    )
    warmup_steps: int = setting(
        3,
        help="Linear warm-up of both step sizes.",
        unit="PPO steps",
        source="Ouyang 2022, C.4: 10; " + STARTER,
        minimum=0,
        maximum=10**6,
    )
    warmup_start: float = setting(
        0.25,
        help="The step sizes begin at this share of their peak.",
        source="Ouyang 2022, C.4: 0.1",
        minimum=0.0,
        maximum=1.0,
    )
    value_warmup_steps: int = setting(
        0,
        help="First train the value model alone; the policy's own warm-up begins after that.",
        unit="PPO steps",
        effect="The first advantages come from a value model that knows this policy.",
        minimum=0,
        maximum=10**6,
    )
    trainable_layers: int | None = setting(
        12,
        help="Train at most this many top layers of the policy; empty trains all.",
        unit="layers",
        effect="Fewer: faster, and the reference shares the frozen ones.",
        source=STARTER,
        minimum=1,
        maximum=10_000,
    )
    freeze_value_embeddings: bool = setting(
        True,
        help="Leave the token embeddings of the value model as they are.",
        effect="Faster, and less memory.",
        source=STARTER,
    )
    ema_decay: float | None = setting(
        None,
        help="Average the policy's weights over the PPO steps, each step keeping this share of the average; "
        "the averaged weights are then the ones evaluated and saved, those that write completions are not "
        "averaged. Empty: no average.",
        effect="Smoother. A run much shorter than 1 / (1 - ema_decay) steps hardly leaves its start.",
        source="Ouyang 2022, C.4: 0.992",
        minimum=0.0,
        maximum=0.999999,
    )
    kl_coef: float = setting(
        0.05,
        help="Penalty per nat of divergence from the reference policy, in units of the score.",
        effect="Higher: stays nearer to the reference.",
        source="Ouyang 2022, C.4: 0.02; " + STARTER,
        minimum=0.0,
        maximum=100.0,
    )
    kl_target: float | None = setting(
        None,
        help="Move kl_coef after each step so that the divergence of the completions goes to this. Empty: "
        "kl_coef stays.",
        unit="nats per completion",
        source="Ziegler 2019, 2.2: 6 to 10",
        minimum=0.001,
        maximum=1e6,
    )
    kl_horizon: int = setting(
        10_000,
        help="kl_coef changes by at most a fifth in this many completions, when kl_target is set.",
        unit="completions",
        source="Ziegler 2019, code: 10,000",
        minimum=1,
        maximum=10**9,
    )
    whiten_rewards: bool = setting(
        False,
        help="Scale the rewards of all tokens of a batch to unit deviation, their mean kept.",
        effect="The scale of the scores matters less; needs 8 completions per step or more.",
        source="Ziegler 2019: on; Ouyang 2022: not said; Huang 2024: off",
    )
    ptx_coef: float = setting(
        0.0,
        help="Mix in pretraining: after each minibatch's PPO gradient, that of the mean loss per token of "
        "text from the snapshot's corpus is added, times this. 0 is off and needs no corpus.",
        effect="Higher: forgets less of what it knew. Both gradients' norms are logged, to choose it by: the "
        "paper does not say how it reduced its losses, so its 27.8 may mean something else here.",
        source="Ouyang 2022, eq. 2 and C.4: 27.8",
        minimum=0.0,
        maximum=1e6,
    )
    ptx_ratio: float = setting(
        8.0,
        help="Pieces of the corpus per completion, when ptx_coef is over 0.",
        unit="pieces per completion",
        source="Ouyang 2022, C.4: 8",
        minimum=0.001,
        maximum=1e6,
    )
    ptx_tokens: int = setting(
        128,
        help="Length of such a piece.",
        unit="tokens",
        effect="Longer: slower.",
        minimum=1,
        maximum=32768,
    )
    clip_range: float = setting(
        0.2,
        help="How far a token's ratio may pay.",
        source="Schulman 2017; Ouyang 2022",
        minimum=0.001,
        maximum=10.0,
    )
    value_clip_range: float = setting(
        0.2,
        help="How far a value may move in one step.",
        unit="score",
        source="Stiennon 2020",
        minimum=0.001,
        maximum=1e6,
    )
    gamma: float = setting(
        1.0, help="Discount per token.", source="Ouyang 2022, C.4: none", minimum=0.0, maximum=1.0
    )
    gae_lambda: float = setting(
        0.95,
        help="Bias against variance of the advantages.",
        source="Schulman 2016",
        minimum=0.0,
        maximum=1.0,
    )
    missing_eos_penalty: float = setting(
        1.0,
        help="Taken from the score of a completion that did not end by itself.",
        unit="score",
        source="Huang 2024, detail 23",
        minimum=0.0,
        maximum=1000.0,
    )
    scale_scores: bool = setting(
        True,
        help="Divide scores by their deviation over the reference policy's completions of the valid prompts.",
        effect="Makes the penalties mean the same whatever the reward model's scale.",
        source=STARTER,
    )
    eval_every: int = setting(
        2,
        help="Steps between evaluations on valid prompts; the best one is the model saved.",
        unit="steps",
        minimum=1,
        maximum=10**6,
    )
    eval_prompts: int = setting(
        64, help="At most this many valid prompts are evaluated.", minimum=1, maximum=100_000
    )
    kl_cap: float = setting(
        3.0,
        help="A policy further than this from the reference is never the one saved.",
        unit="nats per completion",
        source=STARTER,
        minimum=0.0,
        maximum=1e6,
    )
    kl_patience: int = setting(
        2,
        help="Evaluations in a row above the cap that end the run.",
        unit="evaluations",
        minimum=1,
        maximum=1000,
    )
    kl_step_patience: int = setting(
        4,
        help="Steps in a row whose own completions are above the cap that end the run.",
        unit="PPO steps",
        effect="With kl_patience and eval_every, whichever comes first.",
        minimum=1,
        maximum=10**6,
    )
    ratio_cap: float | None = setting(
        100.0,
        help="End the run when one token became this many times likelier within a step. Empty: never.",
        effect="1.5 to 3 is usual; beyond the cap one token decides the step.",
        source=STARTER,
        minimum=1.0,
        maximum=1e9,
    )
    entropy_floor: float | None = setting(
        0.1,
        help="End the run when the entropy per token of the completions is under this share of the "
        "reference policy's. Empty: never.",
        unit="share",
        effect="A policy that always writes the same learns no more.",
        source="chosen: a good run keeps over 0.9",
        minimum=0.0,
        maximum=1.0,
    )
    length_drift: float | None = setting(
        5.0,
        help="End the run when completions are this many times longer or shorter than the reference "
        "policy's. Empty: never.",
        unit="times",
        effect="Scores that pay for length alone show here first.",
        source="chosen: a good run stays under 3",
        minimum=1.0,
        maximum=1e6,
    )
    checkpoint_every: int = setting(
        2,
        help="Steps between checkpoints.",
        unit="steps",
        effect="What a crash can cost.",
        minimum=1,
        maximum=10**6,
    )
