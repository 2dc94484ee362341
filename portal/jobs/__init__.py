"""Jobs, drafts, immutable versions, and which version is live where."""
