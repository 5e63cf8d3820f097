"""Reranking: what a store knows of the candidates, the chain of steps, and rerankers that need models or history."""
