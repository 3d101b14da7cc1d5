"""The engine process, as the plugin sees it."""
