"""Training recipes and the way from scikit-learn to ONNX; both are imported when a model is trained, not before."""
