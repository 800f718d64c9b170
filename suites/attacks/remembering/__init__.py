"""Who answers a call out of what was computed for another one."""
