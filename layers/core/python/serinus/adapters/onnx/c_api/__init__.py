"""ONNX Runtime through its C API and `ctypes`; it starts fast because neither the binding nor numpy is imported."""
