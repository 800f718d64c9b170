"""What groups of layers mean that are no network: the census of all models, and reports of upstream projects."""
