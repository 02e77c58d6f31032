"""The config of a PPO run. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.config_fields import STARTER, TrainingConfig, setting


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
    trainable_layers: int | None = setting(
        12,
        help="Train at most this many top layers of the policy; empty trains all.",
        unit="layers",
        effect="Fewer: faster, and the reference shares the frozen ones.",
        source=STARTER,
        minimum=1,
        maximum=10_000,
    )
    kl_coef: float = setting(
        0.05,
        help="Penalty per nat of divergence from the reference policy, in units of the score.",
        effect="Higher: stays nearer to the reference.",
        source="Ouyang 2022, C.4: 0.02; " + STARTER,
        minimum=0.0,
        maximum=100.0,
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
    checkpoint_every: int = setting(
        2,
        help="Steps between checkpoints.",
        unit="steps",
        effect="What a crash can cost.",
        minimum=1,
        maximum=10**6,
    )
