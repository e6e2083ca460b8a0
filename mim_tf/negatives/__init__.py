"""Training views of photographs: crops, positives, pseudo-negatives, proxies and pasted patches."""
