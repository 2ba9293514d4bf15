"""The Open Inference Protocol v2 over a Lambda function's HTTP events; without Pydantic, for the sake of start-up."""
