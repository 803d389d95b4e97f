"""The native engine on the CPU: the integers, as fast as this machine can."""
