"""The groups of the policy, each constant with its unit and its reason; ``policy.py`` makes one object of them."""
