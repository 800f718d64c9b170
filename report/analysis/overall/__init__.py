"""What a whole run means, or several: performance profiles, break-even, scaling, machines side by side."""
