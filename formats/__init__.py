"""Label maps in the formats of other tools: pure codecs, without web and database."""
