"""Models of snnTorch."""
