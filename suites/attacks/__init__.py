"""Plugins that try to get a time that they did not earn, one kind a file, and a control that is honest."""
