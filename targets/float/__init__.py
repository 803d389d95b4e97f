"""The float network, executed in float32 as its framework would."""
