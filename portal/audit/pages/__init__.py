"""The audit as people read it: pages, search, export, API. Above accounts, while the record itself is below everything."""
