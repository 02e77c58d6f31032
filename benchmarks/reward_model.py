"""python -m benchmarks.reward_model"""

from benchmarks.environments import TRL_PPO, TRL_REWARD, arguments, set_up

if __name__ == "__main__":
    if arguments(__spec__.name, "").setup:
        set_up(TRL_REWARD, TRL_PPO)
