"""One configured account of one adapter: settings, secrets, cursors, schedules, health."""
