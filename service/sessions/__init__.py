"""Sessions: browsers in which somebody is logged in."""
