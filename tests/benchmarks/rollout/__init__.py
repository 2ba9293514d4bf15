"""The simulation that proves what a rollout promises; `python -m tests.benchmarks.rollout`."""
