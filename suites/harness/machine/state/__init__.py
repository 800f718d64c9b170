"""How the machine is at a moment, looked at between turns: how fast its cores are, and how far apart."""
