"""Reproducible benchmarks: `python -m bench` measures the speed of the hub beside its ceiling, in one run."""
