"""Pages that show a whole run from one side: a module each, with a template of its name; ``finding`` collects them."""
