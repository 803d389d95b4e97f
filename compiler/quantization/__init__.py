"""From a ``Network`` to a ``FixedNetwork``: scales, rounding, bounds, and the account of them."""
