"""The API of labeling, and what every route of the API rests on: ApiView, Page, problems, tokens."""
