from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        """Outputs that come in with prompts: labeling keeps the texts, training which model wrote them."""
        from labeling import actions as labeling_actions
        from training.actions.external import keep_writers

        labeling_actions.keep_writers_with(keep_writers)
