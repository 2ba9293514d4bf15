"""What the use cases need of the world, as Protocols, by subject. `wiring` alone chooses who provides it."""
