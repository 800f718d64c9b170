"""Who changes what others have in his process: their functions, their clocks, their memory."""
