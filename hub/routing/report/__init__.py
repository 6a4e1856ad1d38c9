"""The result of a backtest for people: a page and a picture, made of what the API answers and of nothing else."""
