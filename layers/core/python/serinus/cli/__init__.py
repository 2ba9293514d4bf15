"""The `serinus` command, and the same as a Python API for notebooks (`serinus.cli.client`)."""
