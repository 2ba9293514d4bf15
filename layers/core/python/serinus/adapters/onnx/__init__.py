"""ONNX models: checked with `onnx`, run with ONNX Runtime; neither is imported by the other's module."""
