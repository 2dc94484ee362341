"""Help: the pages of docs/ that are for people who use Sluice, and the links to them from other pages."""
