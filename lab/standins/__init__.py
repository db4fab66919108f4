"""Stand-ins for what the lab can't have: the vendor's images, Engage's servers, Genesys Cloud."""
