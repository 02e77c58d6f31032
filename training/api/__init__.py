"""The API of training, on the ground that labeling.api lays."""
