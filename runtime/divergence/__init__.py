"""Where two executions part first, what made the two values, and why."""
