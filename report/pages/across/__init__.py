"""Pages over several runs: a module each, with a template of its name; ``finding`` collects them."""
