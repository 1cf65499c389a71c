"""The page in a real Chromium, over a real daemon where that is possible."""
