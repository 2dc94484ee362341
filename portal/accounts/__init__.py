"""People, projects, roles and API tokens; who may do what."""
