"""Source files that `projects` copies into each generated project; they know nothing of this plugin."""
