"""The parts that stacks are made of; each is used in one way everywhere."""
