"""Asking people which of two pictures they prefer: pairs, a page in the browser, votes."""
