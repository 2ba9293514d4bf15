"""What Serinus knows: frozen dataclasses and pure functions. Time, randomness and ids are arguments."""
