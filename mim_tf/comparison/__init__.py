"""Comparison of methods: fits, scores, tables and figures."""
