"""Training views of photographs: crops, pseudo-negatives, proxies and pasted patches."""
