"""ONNX models: networks of ReLUs, and single steps of spiking networks."""
