"""What the registry is made of: where backends come from, what they declare, who stands in for them."""
